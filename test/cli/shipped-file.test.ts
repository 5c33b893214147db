/** The shipped files are read without a warning. A test of docs/reference covers that `paste/portico.ini` has every option. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { root, startApiCli } from '../e2e/program.js';

test('CF-95 the shipped files have no error, nor anything that looks like one', async () => {
  const program = startApiCli(['check', '--config-file', 'paste/portico.ini', '--format', 'github'], { cwd: root });
  const { code } = await program.ended;
  // Another program on this machine may use a port.
  const found = program.stdout.split('\n').filter((line) => line !== '' && !line.includes('PORTICO_ADDRESS_TAKEN'));
  assert.deepEqual([code, found], [0, []], program.output());
});
