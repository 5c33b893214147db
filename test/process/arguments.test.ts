import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLineWords } from '../../dist/process/process-options.js';

const read = (...words: string[]) =>
  [...commandLineWords(words, (option) => option.startsWith('--with'))].map(({ at, word, isOption, value }) => [
    at,
    word,
    isOption,
    value,
  ]);

test('the value of an option stands behind = or is the next word where the option takes one', () => {
  assert.deepEqual(read('--with=a=b', '--with', 'c', '--alone', 'd', '-', '--', '--with'), [
    [0, '--with', true, 'a=b'],
    [1, '--with', true, 'c'],
    [3, '--alone', true, undefined],
    [4, 'd', false, undefined],
    [5, '-', false, undefined],
    [6, '--', true, undefined],
    [7, '--with', true, undefined],
  ]);
  assert.deepEqual(read('--with', '-1'), [[0, '--with', true, '-1']]);
  assert.deepEqual(read('--=a'), [[0, '--=a', true, undefined]]);
});
