/** A start, a dry run and a reload of a real fleet tell what `check` tells, and a refused reload costs the running service nothing. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { type Broken, brokenConfigurations, filesOf, ODD } from '../cli/broken-configurations.js';
import { commandBeside } from '../cli/command.js';
import { emptyProject, freePort, runApiCli, startProject } from './program.js';

/** One of each kind: found by the parent, which has no plan, by the first worker after its build, or because that fails. `cli/validate` has all. */
const KINDS = [
  'a line without a value',
  'a group of a filter with an unknown name',
  'manager = ./app.js:Nope and an app that throws',
];

/** The errors or warnings in a text, each with its lines. */
function findingsIn(text: string, severity: 'error' | 'warning'): readonly string[] {
  const blocks = text.split(/\n(?! )/).map((block) => block.trimEnd());
  return blocks.filter((block) => new RegExp(`^(?:[^{].*: )?${severity}: `).test(block));
}

const firstLine = (text: string): string => text.split('\n')[0]!;

test('OP-19 MI-6 a start, a dry run and a reload report all errors that check reports, and nothing is served meanwhile; a reload to a module that ends the process is refused with its location', async (t) => {
  const port = await freePort();
  const project = emptyProject(filesOf({}, port));
  const write = (it: Broken): void => {
    for (const [name, text] of Object.entries(filesOf(it, port))) writeFileSync(join(project.folder, name), text);
  };
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const cli = async (...words: string[]) => commandBeside(words, { cwd: project.folder });
  const reload = async (...words: string[]) =>
    JSON.parse((await cli('reload', '--json', ...words)).stdout) as ReloadReport;
  for (const kind of KINDS) {
    const it = brokenConfigurations.get(kind)!;
    write(it);
    const expected = findingsIn((await cli('check')).stdout, 'error');
    assert.notEqual(expected.length, 0, kind);
    for (const { outcome, error = '' } of [await reload('--dry-run'), await reload()]) {
      assert.equal(outcome, 'refused', kind);
      assert.deepEqual(findingsIn(error, 'error'), expected, kind);
    }
    const other = emptyProject(filesOf(it));
    const started = await runApiCli(other.folder);
    other.remove();
    assert.deepEqual(findingsIn(started.stderr.replaceAll(other.folder, project.folder), 'error'), expected, kind);
  }
  write({ files: { 'app.js': 'process.exit();\n' } });
  const ended = await reload();
  assert.equal(ended.outcome, 'refused');
  assert.match(ended.error ?? '', /exited before it was ready: \S+\/app\.js:1:9: process\.exit\(\)/);
  // The exit of the new worker is logged like any other.
  await program.printed(/"event":"worker_exited".*exited with status 0/);
  write(ODD);
  const expected = findingsIn((await cli('check')).stdout, 'warning')
    .map(firstLine)
    .toSorted();
  assert.equal(expected.length, 3);
  for (const { outcome, warnings } of [await reload('--dry-run'), await reload()]) {
    assert.equal(outcome, 'accepted');
    assert.deepEqual(warnings.map(firstLine).toSorted(), expected);
  }
  write({});
  assert.equal((await reload()).outcome, 'accepted');
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'here');
});
