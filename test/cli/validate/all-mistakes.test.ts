/** All mistakes of a program that embeds its services and is refused before it builds them; and findings that are told once. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { askSocket } from '../../e2e/clients.js';
import { emptyProject, freePort, type Outcome, Program, startProject } from '../../e2e/program.js';

const LAUNCH = `import { Config, launch, runMain, WSGIService } from 'portico';
await runMain(async () => {
  const config = await Config.load();
  return (await launch(new WSGIService('hello', config), { config, workers: 2 })).wait();
});
`;
const RUN_APIS = `import { runMain, WSGIService } from 'portico';
import { runApis } from 'portico/cli';
await runMain(() => runApis((config) => [new WSGIService('hello', config)]));
`;
const SERVICE = `import { Config, defineOptions, integer, launch, runMain } from 'portico';
import { Service } from 'portico/service';
const own = defineOptions({ size: integer({ default: 1, help: 'How much.' }) });
class Idle extends Service { name = 'idle'; }
await runMain(async () => {
  const config = await Config.load();
  config.group('own', own);
  return (await launch(new Idle(), { config })).wait();
});
`;
const PASTE = '[app:hello]\npaste.app_factory = ./app.js:app\n';
const APP = 'export const app = () => (_req, res) => res.end();\n';

/** Runs a program that is refused. */
async function refused(main: string, ini: string, app?: string): Promise<Outcome['stderr']> {
  const paste: Record<string, string> = app === undefined ? {} : { 'api-paste.ini': PASTE, 'app.js': app };
  const project = emptyProject({ 'main.js': main, 'portico.ini': ini, ...paste });
  const program = new Program(process.execPath, ['main.js'], { cwd: project.folder });
  const end = await program.ended;
  project.remove();
  assert.deepEqual(end, { code: 78, signal: null }, program.output());
  return program.stderr;
}

test('OP-19 a program without APIs is not told that it has no paste file', async () => {
  const said = await refused(SERVICE, '[DEFAULT]\nlog_level = loud\n[own]\nsize = much\nsiez = 1\n');
  assert.deepEqual(said.match(/^\S*: error: (?:\[\w+\] \w+)?/gm), [
    'portico.ini:2:13: error: [DEFAULT] log_level',
    'portico.ini:4:8: error: [own] size',
    'portico.ini:5:1: error: [own] siez',
  ]);
  assert.doesNotMatch(said, /api-paste/);
});

for (const [how, main] of [
  ['launch', LAUNCH],
  ['runApis', RUN_APIS],
] as const) {
  const ini = '[api:hello]\nport = 181810\n';

  test(`OP-19 an application that is imported for its mistakes does not keep a refused program of ${how}`, async () => {
    assert.match(await refused(main, ini, `setInterval(() => {}, 1000);\n${APP}`), /portico\.ini:2:8: error/);
  });

  test(`OP-19 an application that ends the process hides no mistake of a refused program of ${how}`, async () => {
    assert.match(await refused(main, ini, 'process.exit(0);\n'), /portico\.ini:2:8: error/);
  });
}

test('OP-19 OP-80 one process tells all mistakes of a dry run and a reload once, serves on, and takes the next reload', async (t) => {
  const port = await freePort();
  const ini = `[api:hello]\nport = ${port}\n`;
  const paste = `[pipeline:hello]\npipeline = stamp end\n[app:end]\npaste.app_factory = ./app.js:app\n[filter:stamp]\npaste.filter_factory = portico/middleware:requestId\n`;
  const main = LAUNCH.replace(', workers: 2', '');
  const project = emptyProject({ 'main.js': main, 'portico.ini': ini, 'api-paste.ini': paste, 'app.js': APP });
  const program = new Program(process.execPath, ['main.js'], { cwd: project.folder });
  t.after(async () => {
    await program.end();
    project.remove();
  });
  const write = (file: string, text: string): void => writeFileSync(join(project.folder, file), text);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  await program.printed(/"event":"ready"/);
  write('portico.ini', `[DEFAULT]\nworker_timeout = soon\n${ini}listen_backlgo = 5\n[api:other]\nport = 0\n`);
  write('api-paste.ini', `${paste}levle = 3\n[app:other]\npaste.app_factory = ./gone.js:app\n`);
  for (const path of ['/reload/dry-run', '/reload']) {
    const { outcome, error = '' } = (await askSocket<ReloadReport>(socket!, 'POST', path)).body;
    assert.equal(outcome, 'refused');
    assert.deepEqual(error.match(/^\S+:\d+:\d+: \w+/gm), [
      'portico.ini:2:18: error',
      // Code that cannot be loaded may own the name; and this program does not run it.
      'portico.ini:5:1: warning',
      // A wrong value elsewhere hides it no more.
      'portico.ini:6:1: warning',
      'api-paste.ini:7:1: error',
      'api-paste.ini:9:1: warning',
    ]);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  }
  write('portico.ini', ini);
  write('api-paste.ini', paste);
  assert.equal((await askSocket<ReloadReport>(socket!, 'POST', '/reload')).body.outcome, 'accepted');
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
});

test('OP-19 a warning about a route is told once beside another finding', async (t) => {
  const app = `import { Router } from 'portico/routing';
export const app = () => {
  const router = new Router();
  router.get('/goods/{id}', () => ({}));
  router.get('/goods/{name}', () => ({}));
  return router.build();
};
`;
  const ini = `[DEFAULT]\nstrict_config = true\n[api:hello]\nport = ${await freePort()}\nworkers = 1\n`;
  const program = startProject(t, emptyProject({ 'portico.ini': ini, 'api-paste.ini': PASTE, 'app.js': app }));
  await program.printed(/"event":"ready"/);
  await program.end();
  assert.match(program.stderr, /\[DEFAULT\] strict_config: has no effect here/);
  assert.equal(program.stderr.match(/\/goods\/\{name\} can never match/g)?.length, 1, program.stderr);
});
