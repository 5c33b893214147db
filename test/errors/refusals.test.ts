import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationRefused, gatherRefusals, PorticoError, Refusals } from '../../dist/errors/index.js';

const refusal = (message: string, line = 1): ConfigurationRefused =>
  new ConfigurationRefused('PORTICO_X', { message, origin: { file: 'a.ini', line, column: 1 } });
const refuse = (error: Error) => (): never => {
  throw error;
};

test('what several steps refuse comes at once, each mistake once, by place', () => {
  const steps = [refusal('second', 2), refusal('first'), refusal('first')].map(refuse);
  assert.throws(() => gatherRefusals(...steps), {
    code: 'PORTICO_CONFIGURATION_REFUSED',
    message: 'a.ini:1:1: error: first\na.ini:2:1: error: second',
  });
});

test('a single refusal stays as it is, and any other error goes on', async () => {
  const one = refusal('first');
  assert.throws(
    () => gatherRefusals(() => 1, refuse(one), refuse(one)),
    (error) => error === one,
  );
  assert.deepEqual(
    gatherRefusals(
      () => 1,
      () => 'b',
    ),
    [1, 'b'],
  );
  const other = new PorticoError('PORTICO_Y', { message: 'failed' });
  await assert.rejects(new Refusals().gather(refuse(other)), (error) => error === other);
});
