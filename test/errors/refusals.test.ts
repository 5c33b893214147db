import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ConfigurationRefused,
  type Diagnostic,
  gatherRefusals,
  PorticoError,
  Refusals,
  whole,
} from '../../dist/errors/index.js';

const refusal = (message: string, line = 1): ConfigurationRefused =>
  new ConfigurationRefused('PORTICO_X', { message, origin: { file: 'a.ini', line, column: 1 } });
const refuse = (error: Error) => (): never => {
  throw error;
};

test('what several steps refuse comes at once, each error once, by place', () => {
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

test('MI-7 an error is reported once: an error is more than a warning of its kind at its location', () => {
  const at = (line: number): Diagnostic['location'] => {
    const origin = { file: 'portico.ini', line, column: 1 };
    return { kind: 'file', detail: `portico.ini:${line}:1`, origin } as Diagnostic['location'];
  };
  const each = (severity: Diagnostic['severity'], code: string, line: number): Diagnostic => {
    return { severity, code, message: code, location: at(line) };
  };
  const precise = each('error', 'NAME', 3);
  const [repeated, warned] = [each('warning', 'REPEATED', 3), each('warning', 'NAME', 4)];
  const lists = [[each('warning', 'NAME', 3), repeated], [precise], [each('error', 'OTHER', 3), warned]];
  assert.deepEqual(whole(...lists), [repeated, precise, warned]);
});
