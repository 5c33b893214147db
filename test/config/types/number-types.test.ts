import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterFactory } from 'portico/app';
import {
  boolean,
  bytes,
  Config,
  defineOptions,
  duration,
  float,
  integer,
  type Option,
  port,
  range,
  string,
} from 'portico/config';
import type { InvalidValue } from '#internal/config';

function refused(option: Option, text: string): string {
  try {
    option.parse(text);
  } catch (error) {
    return (error as InvalidValue).message;
  }
  throw new assert.AssertionError({ message: `${text} was accepted` });
}

test('CF-31 a boolean is one of eight words in any case; an empty value is refused', () => {
  for (const word of ['true', '1', 'yes', 'on', 'TRUE', 'Yes', ' on ']) assert.equal(boolean().parse(word), true, word);
  for (const word of ['false', '0', 'no', 'off', 'Off']) assert.equal(boolean().parse(word), false, word);
  for (const word of ['2', 'y', 't', 'enabled', 'true false'])
    assert.match(refused(boolean(), word), /should be a boolean/);
  assert.equal(refused(boolean(), ''), 'must not be empty');
});

test('CF-32 an integer has an optional sign, is safe, and keeps its default when the value is empty', () => {
  const workers = integer({ default: 4, min: 1, max: 64 });
  assert.equal(workers.parse(' +7 '), 7);
  assert.equal(integer().parse('-3'), -3);
  assert.equal(workers.parse(''), 4);
  for (const text of ['eigth', '1.0', '0x10', '1e3', '1_000', '--1']) {
    assert.equal(refused(workers, text), 'should be an integer', text);
  }
  assert.equal(refused(integer(), '9007199254740993'), 'should be an integer of at most 53 bits');
  assert.equal(refused(workers, '0'), 'should be ≥ 1 and ≤ 64');
  assert.equal(refused(integer({ min: 1 }), '0'), 'should be ≥ 1');
  assert.equal(refused(integer({ choices: [1, 2] }), '3'), 'should be one of 1, 2');
});

test('CF-33 a float takes decimals and exponents, neither nan nor inf', () => {
  const ratio = float({ default: 0.5, max: 10 });
  assert.deepEqual(
    ['1', '-.5', '2.', '1e-3', '+1.5E+0', ''].map((text) => ratio.parse(text)),
    [1, -0.5, 2, 0.001, 1.5, 0.5],
  );
  for (const text of ['nan', 'inf', 'Infinity', '1,5', 'e3', '.'])
    assert.equal(refused(ratio, text), 'should be a number');
  assert.equal(refused(ratio, '1e999'), 'should be a number that a double can represent');
  assert.equal(refused(ratio, '11'), 'should be ≤ 10');
});

test('CF-34 a port is 0 to 65535, or within its own bounds', () => {
  assert.deepEqual([port().parse('0'), port().parse('65535')], [0, 65_535]);
  assert.equal(refused(port(), '65536'), 'should be ≥ 0 and ≤ 65535');
  assert.equal(refused(port({ min: 1024 }), '80'), 'should be ≥ 1024 and ≤ 65535');
});

test('CF-44 CF-64 a range names both ends', () => {
  assert.deepEqual(range().parse('3-7'), { min: 3, max: 7 });
  assert.deepEqual(range().parse('5'), { min: 5, max: 5 });
  assert.deepEqual(range().parse('-5--3'), { min: -5, max: -3 });
  assert.equal(range().format({ min: -5, max: -3 }), '-5--3');
  assert.throws(() => range().parse('9007199254740993'), /at most 53 bits/);
  assert.match(refused(range(), '7-3'), /first number is not above the second/);
  assert.match(refused(range({ max: 9 }), '3-10'), /≤ 9/);
  assert.match(refused(range(), 'a-b'), /such as 3-7/);
});

test('CF-69 a default that is refused names its option, with the section where that is known, and its value unless it is secret', async () => {
  const said = (message: string) => ({ code: 'PORTICO_OPTION_DECLARATION', message });
  const size = integer({ default: 0, min: 1, help: 'How many.' });
  assert.throws(() => defineOptions({ size }), said('option size: bad default: should be ≥ 1; got 0'));
  const grouped = said('[limits] option size: bad default: should be ≥ 1; got 0');
  assert.throws(() => defineOptions('limits', { size }), grouped);
  assert.throws(() => filterFactory('limits', { size }, () => (app) => app), grouped);
  const config = await Config.load({ argv: [], env: {} });
  assert.throws(() => config.group('limits', { size }), grouped);
  const key = string({ default: 'zzz', maxLength: 2, secret: true, help: 'Key.' });
  assert.throws(
    () => defineOptions({ key }),
    (error: Error) => error.message.startsWith('option key: bad default: should') && !/zzz/.test(error.message),
  );
  assert.throws(() => defineOptions({ listen: port({ default: 70_000, help: 'x' }) }), /option listen: bad default/);
  assert.throws(() => integer({ default: true as unknown as number }).default, /should be an integer/);
});

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
