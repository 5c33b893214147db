import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeOption } from '#internal/config';
import { readConf } from '../../../dist/ini/index.js';

test('values are written so that they are read back: quotes, comment signs, blanks, several lines', () => {
  assert.equal(writeOption('a', 'plain'), 'a = plain');
  assert.equal(writeOption('a', ' b '), 'a = " b "');
  assert.equal(writeOption('a', '"q"'), `a = '"q"'`);
  assert.equal(writeOption('a', 'p;w#d=1'), 'a = "p;w#d=1"');
  assert.equal(writeOption('a', 'one\ntwo'), 'a = one\n\ttwo');
  assert.throws(() => writeOption('a', 'one\n\ntwo'), /no way to write this value/);
});

test('what is written is read back, or refused', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string({ unit: 'grapheme' }), (name, value) => {
      let text: string;
      try {
        text = `[app]\n${writeOption(name, value)}\n`;
      } catch {
        return;
      }
      assert.deepEqual(
        readConf('', text).entries.map((entry) => [entry.section, entry.name, entry.value]),
        [['app', name, value]],
      );
    }),
  );
});
