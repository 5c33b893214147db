/** All errors of an application that embeds its services and is refused before it builds them; and findings that are reported once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
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

/** Runs an application that is refused. */
async function refused(main: string, ini: string, app?: string): Promise<Outcome['stderr']> {
  const paste: Record<string, string> = app === undefined ? {} : { 'api-paste.ini': PASTE, 'app.js': app };
  const project = emptyProject({ 'main.js': main, 'portico.ini': ini, ...paste });
  const program = new Program(process.execPath, ['main.js'], { cwd: project.folder });
  assert.deepEqual(await program.ended, { code: 78, signal: null }, program.output());
  return program.stderr;
}

test('OP-19 an application without APIs gets no error for a missing paste file', async () => {
  const said = await refused(SERVICE, '[DEFAULT]\nlog_level = loud\n[own]\nsize = much\nsiez = 1\n');
  assert.deepEqual(said.match(/^\S*: error: (?:\[\w+\] \w+)?/gm), [
    'portico.ini:2:13: error: [DEFAULT] log_level',
    'portico.ini:4:8: error: [own] size',
    'portico.ini:5:1: error: [own] siez',
  ]);
  assert.doesNotMatch(said, /api-paste/);
});

test('OP-19 an application that is imported for its errors does not keep a refused process from its end, and hides no error', async () => {
  const ini = '[api:hello]\nport = 181810\n';
  for (const [main, app] of [
    [LAUNCH, `setInterval(() => {}, 1000);\n${APP}`],
    [RUN_APIS, 'process.exit(0);\n'],
  ] as const)
    assert.match(await refused(main, ini, app), /portico\.ini:2:8: error/);
});

test('OP-19 a warning about a route is reported once beside another finding', async (t) => {
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
  assert.match(program.stderr, /\[DEFAULT\] strict_config: has no effect any more/);
  assert.equal(program.stderr.match(/\/goods\/\{name\} can never match/g)?.length, 1, program.stderr);
});
