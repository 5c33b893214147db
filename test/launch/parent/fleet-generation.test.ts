/** The parent keeps files that its workers read, so that later workers get the same content: whole ones, and none that it would wait for. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from '../../../dist/config/index.js';
import { WorkerFiles } from '../../../dist/launch/parent/fleet-generation.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('a file that a worker has read belongs to the configuration; a pipe, a large file and one that is gone do not', () => {
  const folder = temporaryFolder('portico-files-');
  const [secret, pipe, large, gone] = ['secret', 'pipe', 'large', 'gone'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  writeFileSync(secret, 'one');
  execFileSync('mkfifo', [pipe]);
  writeFileSync(large, '');
  truncateSync(large, 2 ** 23);
  const config = new Config();
  const files = new WorkerFiles(config);
  const told = [secret, pipe, large, gone].map((path) => ({ path, option: 'jwt.secret_file', where: 'a.ini:1:1' }));
  files.take('api', told);
  writeFileSync(secret, 'two');
  assert.deepEqual(files.byService.get('api'), [{ ...told[0], secret: true }]);
  assert.equal(String(config.readFile(secret)), 'one');
});
