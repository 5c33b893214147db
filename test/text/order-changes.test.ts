import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderChanges } from '../../dist/text/order-changes.js';

const words = (text: string): string[] => (text === '' ? [] : text.split(' '));

for (const [before, after, added, removed, moved] of [
  ['', '', '', '', ''],
  ['a b c', 'a b c', '', '', ''],
  ['a b', 'a x b', 'x', '', ''],
  ['a b c', 'a c', '', 'b', ''],
  ['a b', 'x y', 'x y', 'a b', ''],
  ['a b c d', 'd a b c', '', '', 'd'],
  ['a b c d', 'b c d a', '', '', 'a'],
  ['a b c', 'c x a', 'x', 'b', 'a'],
  // A name may occur several times.
  ['a b', 'a b a', 'a', '', ''],
  ['a b a', 'a b', '', 'a', ''],
  ['a a b', 'a b a', '', '', 'a'],
] as const) {
  test(`the order "${before}" -> "${after}"`, () => {
    const expected = { added: words(added), removed: words(removed), moved: words(moved) };
    assert.deepEqual(orderChanges(words(before), words(after)), expected);
  });
}
