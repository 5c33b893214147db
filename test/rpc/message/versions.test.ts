import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCompatible } from '#internal/extras/rpc';

test('RP-40 RP-98 the table of compatible versions', () => {
  for (const [implemented, asked, compatible] of [
    ['1.5', '1.4', true],
    ['1.5', '1.5', true],
    ['1.5', '1.6', false],
    ['2.0', '1.5', false],
    ['1.5.2', '1.5.3', false],
    ['1.5.2', '1.4.9', true],
    ['1.10', '1.9', true],
    ['1.9', '1.10', false],
    ['1.0', '1', false],
    ['1.0', '', false],
    ['1.0', '1.0.0.0', false],
  ] as const) {
    assert.equal(isCompatible(implemented, asked), compatible, `${implemented} ${asked}`);
  }
});
