/** A start, a dry run and a reload tell what `check` tells, of `api-cli` and of applications; a refused reload costs the running service nothing. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { type Broken, brokenConfigurations, filesOf, ODD } from '../cli/broken-configurations.js';
import { commandBeside } from '../cli/command.js';
import { emptyProject, freePort, type Program, startMain, startProject } from './program.js';

const of = (name: string): Broken => brokenConfigurations.get(name)!;
/** Errors that the constructor of the service, the validation and the build find, together. */
const TOGETHER: Broken = {
  defaults: 'log_level = wran',
  api: 'max_requests = many',
  more: '[wsgi]\nkeep_alve = 1',
  filters: 'f',
  sections: '[filter:f]\npaste.filter_factory = ./app.js:stamp\nlevel = much',
  app: './gone.js:app',
};
const LATE = of('manager = ./app.js:Nope and an app that throws');

/** Main modules by the kind of their launcher, and the broken configurations for each; `cli/validate` has all. */
const PROGRAMS: Readonly<Record<string, { readonly main?: string; readonly kinds: readonly Broken[] }>> = {
  // Found by the parent, which has no plan, by the first worker after its build, or because that fails.
  'MI-6 api-cli': { kinds: [of('a line without a value'), of('a group of a filter with an unknown name'), LATE] },
  'MI-3 an application in one process': {
    main: `
import { Config, launch, runMain, WSGIService } from 'portico';
await runMain(async () => {
  const config = await Config.load();
  return (await launch(new WSGIService('shop', config), { config })).wait();
});`,
    kinds: [TOGETHER, of('value [DEFAULT] graceful_shutdown_timeout=soon'), LATE],
  },
  'MI-3 an application with a worker': {
    main: `
import { Config, runMain, WSGIService } from 'portico';
import { ProcessLauncher } from 'portico/launch';
await runMain(async () => {
  const config = await Config.load();
  const launcher = new ProcessLauncher({ config });
  await launcher.launchService(new WSGIService('shop', config), { workers: 1 });
  return launcher.wait();
});`,
    kinds: [LATE],
  },
};

/** The findings in a text, without places of this machine. */
function findingsIn(text: string, severity: 'error' | 'warning'): readonly string[] {
  const lines = text.replaceAll('\\n', '\n').split('\n');
  const local = lines.map((line) => line.replace(/^.*?((?:portico|api-paste)\.ini:)/, '$1').replace(/ \/\S+\//, ' '));
  return local.filter((line) => new RegExp(`^(?:portico|api-paste)\\.ini:.*?: ${severity}: `).test(line)).toSorted();
}

for (const [what, { main, kinds }] of Object.entries(PROGRAMS)) {
  test(`OP-19 ${what} reports at a start, in a dry run and in a reload what check reports`, async (t) => {
    const port = await freePort();
    const own = main === undefined ? {} : { 'main.js': main };
    const start = (files: Readonly<Record<string, string>>) => {
      const project = emptyProject({ ...files, ...own });
      const program: Program = main === undefined ? startProject(t, project) : startMain(t, project);
      return { program, folder: project.folder };
    };
    const { program, folder } = start(filesOf({}, port));
    const write = (it: Broken): void => {
      for (const [name, text] of Object.entries(filesOf(it, port))) writeFileSync(join(folder, name), text);
    };
    const cli = async (...words: string[]) => (await commandBeside(words, { cwd: folder })).stdout;
    const reload = async (...words: string[]) => JSON.parse(await cli('reload', '--json', ...words)) as ReloadReport;
    await program.printed(/"event":"ready"/);
    for (const it of kinds) {
      write(it);
      const expected = findingsIn(await cli('check'), 'error');
      const about = JSON.stringify(it);
      assert.notEqual(expected.length, 0, about);
      for (const { outcome, error = '' } of [await reload('--dry-run'), await reload()]) {
        assert.equal(outcome, 'refused', about);
        assert.deepEqual(findingsIn(error, 'error'), expected, about);
      }
      const refused = start(filesOf(it)).program;
      assert.deepEqual(
        [(await refused.ended).code, [...new Set(findingsIn(refused.stderr, 'error'))]],
        [78, expected],
        about,
      );
    }
    if (main === undefined) {
      write({ files: { 'app.js': 'process.exit();\n' } });
      const ended = await reload();
      assert.equal(ended.outcome, 'refused');
      assert.match(ended.error ?? '', /exited before it was ready: \S+\/app\.js:1:9: process\.exit\(\)/);
      // The exit of the new worker is logged like any other.
      await program.printed(/"event":"worker_exited".*exited with status 0/);
    }
    if (kinds.length > 1) {
      write(ODD);
      const expected = findingsIn(await cli('check'), 'warning');
      assert.equal(expected.length, 3);
      for (const { outcome, warnings } of [await reload('--dry-run'), await reload()]) {
        assert.equal(outcome, 'accepted');
        assert.deepEqual(findingsIn(warnings.join('\n'), 'warning'), expected);
      }
      write({});
      assert.equal((await reload()).outcome, 'accepted');
    }
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'here');
    await program.stop();
  });
}
