/** `api-cli` as an operator sees it: the started APIs, the messages about those that fail, and the exit statuses. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { ask, askSocket } from '../../e2e/clients.js';
import {
  emptyProject,
  freePort,
  startApiCli,
  startedOnce,
  startProject,
  untilEnd,
  untilFileEnds,
} from '../../e2e/program.js';
import { pidPaste, pidProject } from '../../e2e/projects.js';
import { command } from '../command.js';

/** Arguments for the sample on free ports, with its store in the test's folder. */
async function sampleArguments(folder: string): Promise<{ args: string[]; compute: number; metadata: number }> {
  const [compute, metadata] = [await freePort(), await freePort()];
  const args = ['--set', `api:compute.port=${compute}`, '--set', `api:metadata.port=${metadata}`];
  args.push('--set', `DEFAULT.state_path=${folder}`);
  args.push('--set', 'api:compute.workers=1', '--set', 'api:metadata.workers=1');
  return { args, compute, metadata };
}

test('OP-1 bare api-cli in a clone serves both sample APIs and prints one line for each when it is ready', async (t) => {
  const project = emptyProject({});
  const { args, compute, metadata } = await sampleArguments(project.folder);
  const program = untilEnd(t, startApiCli(args));
  await program.printed(new RegExp(`^compute\\b.*http://127\\.0\\.0\\.1:${compute}\\b.*1 worker\\b`, 'm'));
  await program.printed(new RegExp(`^metadata\\b.*http://127\\.0\\.0\\.1:${metadata}\\b.*1 worker\\b`, 'm'));
  assert.equal((await ask(`http://127.0.0.1:${compute}/v2.1`)).status, 200);
  assert.equal((await ask(`http://127.0.0.1:${metadata}/`)).status, 200);
  await program.stop();
});

test('OP-1 LC-1402 --enabled-apis starts these APIs alone; a wrong name is a warning with the nearest one', async (t) => {
  const project = emptyProject({});
  const { args, compute, metadata } = await sampleArguments(project.folder);
  const program = untilEnd(t, startApiCli(['--enabled-apis', 'compute,metadta', ...args]));
  await program.printed(new RegExp(`^compute\\b.*:${compute}`, 'm'));
  assert.match(program.stderr, /metadta.*metadata/s);
  assert.equal(program.stderr.match(/metadta/g)?.length, 1, program.stderr);
  assert.equal((await ask(`http://127.0.0.1:${compute}/`)).status, 200);
  await assert.rejects(ask(`http://127.0.0.1:${metadata}/`), { code: 'ECONNREFUSED' });
  assert.doesNotMatch(program.stdout, /metadata/);
});

test('LC-1401 LC-1235 the enabled APIs start in their order, each as its section says, by default all there are', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const ports = { b: first, a: second };
  const apis = `[api:b]\nport = ${first}\nworkers = 1\n[api:a]\nport = ${second}\nworkers = 1\n`;
  const paste = `${pidPaste}\n[app:a]\nuse = hello_app\n[app:b]\nuse = hello_app\n`;
  for (const [enabled, expected] of [
    ['', ['b', 'a']],
    ['enabled_apis = a, b\n', ['a', 'b']],
  ] as const) {
    const project = emptyProject({
      ...pidProject(0, 1),
      'api-paste.ini': paste,
      'portico.ini': `[DEFAULT]\nlog_level = debug\n${enabled}${apis}`,
    });
    const program = startProject(t, project);
    for (const name of expected) await program.printed(new RegExp(`^${name} .*:${ports[name]}\\b`, 'm'));
    const order = [...program.stderr.matchAll(/"service":"(\w)"[^\n]*"msg":"Starting/g)].map(([, name]) => name);
    assert.deepEqual(order, expected, program.stderr);
    await program.stop();
  }
});

test('OP-1 --enabled-ssl-apis serves HTTPS on that port and HTTP on the other', async (t) => {
  const { request } = await import('node:https');
  const project = emptyProject({});
  const { args, compute, metadata } = await sampleArguments(project.folder);
  const program = untilEnd(t, startApiCli(['--dev', '--enabled-ssl-apis', 'compute', ...args]));
  await program.printed(new RegExp(`^compute\\b.*https://127\\.0\\.0\\.1:${compute}`, 'm'));
  await program.printed(new RegExp(`^metadata\\b.*http://127\\.0\\.0\\.1:${metadata}`, 'm'));
  const status = await new Promise((settle, reject) => {
    const url = `https://127.0.0.1:${compute}/v2.1`;
    request(url, { rejectUnauthorized: false, agent: false }, (res) => {
      res.resume().on('end', () => settle(res.statusCode));
    })
      .on('error', reject)
      .end();
  });
  assert.equal(status, 200);
  assert.equal((await ask(`http://127.0.0.1:${metadata}/`)).status, 200);
});

const file = untilFileEnds();
/** Two APIs for the tests of reloads. */
const running = startedOnce(async () => {
  const [port, other] = [await freePort(), await freePort()];
  const files = pidProject(port, 1);
  const project = emptyProject({
    ...files,
    'api-paste.ini': `${files['api-paste.ini']}\n[app:bye]\nuse = hello_app\n`,
    'portico.ini': `${files['portico.ini']}[api:bye]\nport = ${other}\nworkers = 1\n`.replace('= hello', '= hello,bye'),
  });
  const program = startProject(file, project);
  await program.printed(/^hello\b.*:\d+/m);
  await program.printed(/^bye\b.*:\d+/m);
  const pid = async (): Promise<string> => (await ask(`http://127.0.0.1:${other}/`)).text;
  const change = (name: string, text: string): number => {
    writeFileSync(join(project.folder, name), text);
    program.kill('SIGHUP');
    return program.output().length;
  };
  const read = (name: string): string => readFileSync(join(project.folder, name), 'utf8');
  const [check, told] = ['check', 'status'].map((word) => () => command([word], { cwd: project.folder }));
  return { program, pid, change, read, check: check!, told: told! };
});

test('LC-1402 LC-517 a wrong name that would end a running API refuses the reload; beside all that run it is a warning, and status names it', async () => {
  const { program, pid, change, read, check, told } = await running();
  const good = read('portico.ini');
  const before = await pid();
  const from = change('portico.ini', good.replace('hello,bye', 'hello,bey'));
  const [refused] = await program.printed(/.*Reload refused.*/, from);
  assert.match(refused, /portico\.ini:2:\d+: .*\\"bey\\".*bye would stop serving.*Did you mean \\"bye\\"/);
  assert.equal(await pid(), before);
  const SAID = /portico\.ini:2:\d+: error: .*"bey".*bye would stop serving\n {2}Did you mean "bye"/;
  const checked = check();
  assert.equal(checked.status, 78, checked.stdout);
  assert.match(
    checked.stdout,
    /portico\.ini:2:\d+: error: .*"bey".*so this API does not start\n {2}Did you mean "bye"/,
  );
  assert.equal(checked.stdout.match(/"bey"/g)?.length, 1, checked.stdout);
  const [, socket] = /"event":"control","socket":"([^"]+)"/.exec(program.output())!;
  const { outcome, error = '' } = (await askSocket<ReloadReport>(socket!, 'POST', '/reload/dry-run')).body;
  assert.equal(outcome, 'refused');
  assert.match(error, SAID);

  assert.doesNotMatch(told().stdout, /does not run/);
  const again = change('portico.ini', good.replace('hello,bye', 'hello,bye,bey,beyond'));
  await program.printed(/enabled_apis includes bad values/, again);
  await program.printed(/Reload accepted/, again);
  assert.notEqual(await pid(), before);
  const { status, stdout } = check();
  assert.equal(status, 78, stdout);
  assert.match(stdout, /error: .*"beyond" .*so this API does not start\n/);
  const [, ...lines] = told().stdout.split('\n');
  const place = (name: string): RegExp =>
    new RegExp(`^${name} does not run, although enabled_apis names it \\(portico\\.ini:2:`);
  assert.match(lines[0]!, place('bey'));
  assert.match(lines[0]!, /\)\. Did you mean "bye"\?$/);
  assert.match(lines[1]!, place('beyond'));
  assert.match(lines[1]!, /\): see api-cli check$/);
});

test('LC-517 LC-1403 a reload that leaves nothing to serve is refused and changes nothing', async () => {
  const { program, pid, change } = await running();
  const before = await pid();
  for (const [text, why] of [
    [
      '[DEFAULT]\nenabled_apis = nope\n',
      /no app is called \\"nope\\" in api-paste\.ini.* and hello.* would stop serving/,
    ],
    ['', /No APIs were started\. Check the enabled_apis config option\./],
  ] as const) {
    const from = change('portico.ini', text);
    await program.printed(/"outcome":"refused"|Reload refused/, from);
    assert.match(program.output().slice(from), why);
    assert.equal(await pid(), before);
  }
});
