/** A worker lists the files of its application only if they may be others than those of the first worker. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ProgramCode } from '../../../dist/launch/parent/fleet-generation.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

const HASH = '7761ac88c2d9c623';

const CHANGES: readonly (readonly [how: string, change: (file: string) => void])[] = [
  ['was written', (file) => writeFileSync(file, 'export const app = 2;\n')],
  ['was written with its old modification time', (file) => utimesSync(file, new Date(0), new Date(0))],
  [
    'was replaced by another one',
    (file) => {
      writeFileSync(`${file}.new`, 'export const app = 2;\n');
      renameSync(`${file}.new`, file);
    },
  ],
  ['is gone', (file) => rmSync(file)],
  [
    'came with another folder, whose files are older',
    (file) => {
      const folder = dirname(file);
      renameSync(folder, `${folder}.old`);
      renameSync(`${folder}.new`, folder);
    },
  ],
];

for (const [how, change] of CHANGES) {
  test(`LC-307 later workers list their files once a file of the first one ${how}`, () => {
    const folder = temporaryFolder('portico-code-');
    const file = join(folder, 'dist', 'app.js');
    for (const [dist, text] of [
      ['dist.new', 'export const app = 2;\n'],
      ['dist', 'export const app = 1;\n'],
    ]) {
      mkdirSync(join(folder, dist!));
      writeFileSync(join(folder, dist!, 'app.js'), text!);
    }
    const code = new ProgramCode();
    assert.equal(code.mayDiffer('one', folder), true, 'before a worker has listed its files');
    // The clock of files is coarse: a worker that starts in the same tick may have read the change.
    const startedAt = statSync(file).ctimeMs + 0.001;
    code.compare([[file, HASH]], { service: 'one', folder, startedAt });
    assert.equal(code.mayDiffer('one', folder), false);
    assert.equal(code.mayDiffer('two', folder), true, 'another service may run other code');
    while (statSync(folder).ctimeMs <= startedAt) writeFileSync(join(folder, String(Math.random())), '');
    change(file);
    assert.equal(code.mayDiffer('one', folder), true);
  });
}
