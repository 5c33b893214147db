/** The report of a worker to its parent about the files it reads. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from '../../../dist/config/index.js';
import { FilesRead } from '../../../dist/launch/worker-side.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('a worker tells of the files that it has read, not of others that its parent has', () => {
  const folder = temporaryFolder('files-read-');
  const [mine, others, late] = ['mine', 'others', 'late'].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [mine, others, late]) writeFileSync(path, path);
  const parent = Config.fromText('');
  for (const path of [mine, others]) parent.readFile(path);
  const configuration = parent.snapshot();
  const config = Config.fromSnapshot(configuration);
  const told: string[][] = [];
  const send = ({ files }: { files: { path: string }[] }): void => {
    told.push(files.map(({ path }) => path));
  };
  const files = new FilesRead(config, { configuration, send } as never);
  files.tell();
  config.readFile(mine);
  files.tell();
  config.readFile(late);
  files.tell();
  files.tell();
  assert.deepEqual(told, [[mine], [late]]);
});
