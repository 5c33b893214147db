/** Applications that embed their services report what `check` reports: at a start, in a dry run and in a reload, by the same code. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { type Broken, brokenConfigurations, filesOf, ODD } from '../cli/broken-configurations.js';
import { commandBeside } from '../cli/command.js';
import { emptyProject, freePort, Program } from './program.js';

/** Applications by the kind of their launcher. */
const PROGRAMS = {
  'one process': `
import { Config, launch, runMain, WSGIService } from 'portico';
await runMain(async () => {
  const config = await Config.load();
  return (await launch(new WSGIService('shop', config), { config })).wait();
});`,
  'a worker': `
import { Config, runMain, WSGIService } from 'portico';
import { ProcessLauncher } from 'portico/launch';
await runMain(async () => {
  const config = await Config.load();
  const launcher = new ProcessLauncher({ config });
  await launcher.launchService(new WSGIService('shop', config), { workers: 1 });
  return launcher.wait();
});`,
} as const;

const stamped = (level: string): string => `[filter:f]\npaste.filter_factory = ./app.js:stamp\nlevel = ${level}`;

/** Errors that the constructor of the service, the validation and the build find, alone and together. */
const KINDS: readonly Broken[] = [
  {
    defaults: 'log_level = wran',
    api: 'max_requests = many',
    more: '[wsgi]\nkeep_alve = 1',
    filters: 'f',
    sections: stamped('much'),
    app: './gone.js:app',
  },
  brokenConfigurations.get('value [DEFAULT] graceful_shutdown_timeout=soon')!,
  brokenConfigurations.get('manager = ./app.js:Nope and an app that throws')!,
];

/** The findings in a text, without places of this machine. */
function findingsIn(text: string, severity: 'error' | 'warning'): readonly string[] {
  const lines = text.split('\n').map((line) => line.replace(/^.*?((?:portico|api-paste)\.ini:)/, '$1'));
  return lines.filter((line) => new RegExp(`^(?:portico|api-paste)\\.ini:.*?: ${severity}: `).test(line)).toSorted();
}

function started(t: TestContext, folder: string): Program {
  const program = new Program(process.execPath, ['main.js'], { cwd: folder });
  t.after(() => program.end());
  return program;
}

for (const [kind, main] of Object.entries(PROGRAMS) as [keyof typeof PROGRAMS, string][]) {
  test(`OP-19 MI-3 an application with ${kind} reports at a start, in a dry run and in a reload what check reports`, async (t) => {
    const port = await freePort();
    const project = emptyProject({ ...filesOf({}, port), 'main.js': main });
    t.after(() => project.remove());
    const write = (it: Broken): void => {
      for (const [name, text] of Object.entries(filesOf(it, port))) writeFileSync(join(project.folder, name), text);
    };
    const cli = async (...words: string[]) => commandBeside(words, { cwd: project.folder });
    const reload = async (...words: string[]) =>
      JSON.parse((await cli('reload', '--json', ...words)).stdout) as ReloadReport;
    const program = started(t, project.folder);
    await program.printed(/"event":"ready"/);
    // A worker that does not start is the last.
    for (const it of kind === 'one process' ? KINDS : KINDS.slice(-1)) {
      write(it);
      const expected = findingsIn((await cli('check')).stdout, 'error');
      const what = JSON.stringify(it);
      assert.notEqual(expected.length, 0, what);
      for (const { outcome, error = '' } of [await reload('--dry-run'), await reload()]) {
        assert.equal(outcome, 'refused', what);
        assert.deepEqual(findingsIn(error, 'error'), expected, what);
      }
      const other = emptyProject({ ...filesOf(it), 'main.js': main });
      const refused = started(t, other.folder);
      assert.deepEqual(await refused.ended, { code: 78, signal: null }, what);
      other.remove();
      const told = refused.stderr.replaceAll(other.folder, project.folder).replaceAll('\\n', '\n');
      assert.deepEqual([...new Set(findingsIn(told, 'error'))], expected, what);
    }
    // Warnings of a fleet are in `validated-alike.test.ts`.
    if (kind === 'one process') {
      write(ODD);
      const expected = findingsIn((await cli('check')).stdout, 'warning');
      assert.equal(expected.length, 3);
      for (const { outcome, warnings } of [await reload('--dry-run'), await reload()]) {
        assert.equal(outcome, 'accepted');
        assert.deepEqual(findingsIn(warnings.join('\n'), 'warning'), expected);
      }
      write({});
      assert.equal((await reload()).outcome, 'accepted');
    }
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'here');
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: 0, signal: null });
  });
}
