import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originAt, originWithin } from '../../dist/ini/index.js';

test('an origin names file, line, column, section and option, and leaves out what is not known', () => {
  assert.deepEqual(originAt('a.ini', 3, 7, 'port = x', { section: 'wsgi', option: 'port' }), {
    file: 'a.ini',
    line: 3,
    column: 7,
    section: 'wsgi',
    option: 'port',
    text: 'port = x',
  });
  assert.deepEqual(originAt('a.ini', 1, 1, 'x'), { file: 'a.ini', line: 1, column: 1, text: 'x' });
});

test('a word of a value over several lines is found in its own line', () => {
  const pieces = [
    { start: 0, origin: originAt('a.ini', 2, 12, 'pipeline = one') },
    { start: 4, origin: originAt('a.ini', 3, 5, '    two three') },
  ];
  assert.equal(originWithin(pieces, 0).line, 2);
  assert.deepEqual(originWithin(pieces, 8), { file: 'a.ini', line: 3, column: 9, text: '    two three' });
});
