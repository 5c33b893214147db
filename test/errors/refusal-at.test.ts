/** The location of an error that was found elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, defineOptions, integer } from '../../dist/config/index.js';
import { PorticoError, refusalAt } from '../../dist/errors/index.js';

test('a refusal keeps its own place; another error of Portico gets that of the option', () => {
  const origin = { file: 'k.ini', line: 4, column: 1 };
  const options = defineOptions({ size: integer({ default: 1, help: 'Size.' }) });
  const config = Config.fromText('[cred]\nsize = large\n', { file: 'k.conf' });
  assert.throws(
    () => config.group('cred', options),
    (error) => refusalAt(error, origin) === error,
  );
  const placed = refusalAt(new PorticoError('PORTICO_X', { message: 'wrong' }), origin) as PorticoError;
  assert.match(placed.describe(), /^k\.ini:4:1: error: wrong/);
});
