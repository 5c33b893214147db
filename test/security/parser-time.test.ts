/** The time of parsers of text from clients and peers grows linearly with the text, not quadratically. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parserRows } from './parser-rows.js';
import { slowTextOf } from './parser-time.js';
import { peerRows } from './peer-rows.js';
import { schemaRows } from './schema-rows.js';

for (const row of [...(await parserRows()), ...peerRows(), ...schemaRows()]) {
  test(`${row.name} takes time by its length`, () => {
    assert.equal(slowTextOf(row), undefined);
  });
}

test('a parser that backtracks is found', () => {
  const backtracks = { name: 'blanks at the end', length: 100, parse: (text: string) => text.replace(/ +$/, '') };
  assert.equal(slowTextOf(backtracks, 0)?.parser, 'blanks at the end');
});
