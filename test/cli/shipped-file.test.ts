/** The shipped files are read without a warning; that `paste/portico.ini` has every option is a test of docs/reference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { root, startApiCli } from '../e2e/program.js';

test('CF-95 the shipped files have no mistake, nor anything that looks like one', async () => {
  const program = startApiCli(['check', '--config-file', 'paste/portico.ini', '--format', 'github'], { cwd: root });
  const { code } = await program.ended;
  // A port may be somebody's on the machine at hand.
  const found = program.stdout.split('\n').filter((line) => line !== '' && !line.includes('PORTICO_ADDRESS_TAKEN'));
  assert.deepEqual([code, found], [0, []], program.output());
});
