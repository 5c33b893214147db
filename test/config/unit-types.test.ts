import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, duration } from 'portico/config';

test('CF-35 a size is bytes, with units of 1024, or of 1000 for KB MB GB', () => {
  const written = { '114688': 114_688, '112KiB': 114_688, '112 K': 114_688, '112k': 114_688, '1KB': 1000 };
  const larger = { '5B': 5, '1M': 1_048_576, '1MB': 1_000_000, '2GiB': 2_147_483_648, '1T': 1_099_511_627_776 };
  for (const [text, value] of Object.entries({ ...written, ...larger })) assert.equal(bytes().parse(text), value, text);
  for (const text of ['1.5K', 'K', '1 KiBs', '1Kb/s', 'ten'])
    assert.throws(() => bytes().parse(text), /should be a size/, text);
  assert.throws(() => bytes({ min: 1 }).parse('0'), /should be ≥ 1/);
  assert.equal(bytes({ default: '16KiB' }).default, 16_384);
});

test('CF-36 LC-1 a duration is seconds unless the option says otherwise', () => {
  const seconds = { '60': 60, '1.5': 1.5, '250ms': 0.25, '2m': 120, '1h': 3600, '1d': 86_400, '.5 s': 0.5, '3S': 3 };
  for (const [text, value] of Object.entries(seconds)) assert.equal(duration().parse(text), value, text);
  assert.equal(duration({ unit: 'ms' }).parse('5s'), 5000);
  assert.equal(duration({ unit: 'ms' }).parse('5000'), 5000);
  assert.equal(duration({ unit: 'm' }).parse('90s'), 1.5);
  assert.equal(duration({ default: '1m' }).default, 60);
  for (const text of ['1 hour', '1h30m', '-', 'soon']) {
    assert.throws(() => duration().parse(text), /should be a duration/, text);
  }
  assert.throws(() => duration().parse('-1'), /should be ≥ 0 s/);
});

test('CF-36 a duration that a timer would turn into 1 ms is refused, unless a longer one is asked for', () => {
  assert.equal(duration().parse('24d'), 2_073_600);
  assert.throws(() => duration().parse('25d'), /≤ 2147483\.647 s/);
  assert.throws(() => duration({ unit: 'ms' }).parse('2147483648'), /≤ 2147483647 ms/);
  assert.equal(duration({ max: 31_536_000 }).parse('300d'), 25_920_000);
});
