/** A command in a folder that its user may not read. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { apiCli, Program } from '../../e2e/program.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('the closed folder is named, not the files that are not in it', {
  skip: process.platform === 'win32' || process.geteuid?.() !== 0,
}, async () => {
  const folder = temporaryFolder('portico-closed-');
  chmodSync(folder, 0o700);
  // Another user, in the folder of this one.
  const program = new Program(
    'setpriv',
    ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, apiCli],
    {
      cwd: folder,
    },
  );
  const { code } = await program.ended;
  assert.notEqual(code, 0);
  assert.match(program.output(), /This user may not enter \/.*portico-closed-/);
});
