import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatheredBytes } from '../../dist/wire/gathered-bytes.js';

const piece = fc
  .tuple(fc.constantFrom(0, 1, 2, 700, 1023, 1024, 5000, 70_000), fc.integer({ min: 0, max: 255 }))
  .map(([length, byte]) => Buffer.alloc(length, byte));

test('gathered bytes are what came, whole and in pieces, and hold little more', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const gathered = new GatheredBytes();
      for (const each of pieces) gathered.add(each);
      const expected = Buffer.concat(pieces);
      assert.equal(gathered.size, expected.length);
      assert.ok(gathered.whole().equals(expected));
      assert.ok(Buffer.concat(gathered.pieces()).equals(expected));
      const held = new Set(gathered.pieces().map(({ buffer }) => buffer));
      const bytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
      assert.ok(bytes <= 2 * expected.length + 8192 + 1024, `${bytes} for ${expected.length}`);
    }),
  );
});
