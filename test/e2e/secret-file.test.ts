/** A file that only applications read, as the secret of tokens, is part of the configuration like other files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { until } from '../fixtures/until.js';
import { ask, askSocket } from './clients.js';
import { emptyProject, freePort, startMain, startProject } from './program.js';

const OLD = 'the-old-secret-of-32-bytes-or-more';
const NEW = 'the-new-secret-of-32-bytes-or-more';

const APP = `
import { signToken } from 'portico/middleware';
export const app = (_global, _local, { config }) => (req, res) => {
  res.setHeader('X-Pid', process.pid);
  if (req.url === '/token') return res.end(signToken({ sub: 'ann' }, { config, expiresIn: 600 }));
  res.end(req.url === '/file?' + process.pid ? config.readFile('other').toString() : '');
};
`;

const MAIN = `
import { Config, launch, runMain, WSGIService } from 'portico';
await runMain(async () => {
  const config = await Config.load();
  return (await launch(new WSGIService('hello', config), { config })).wait();
});
`;

/** The name of the secret that signed a token. */
function secretOf(token: string): string | undefined {
  const [head, claims, signature] = token.split('.');
  const isOf = (secret: string): boolean =>
    createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url') === signature;
  return Object.entries({ OLD, NEW }).find(([, secret]) => isOf(secret))?.[0];
}

interface Worker {
  readonly id: number;
  readonly pid: number;
  readonly state: string;
}

interface Report {
  readonly outcome: string;
  readonly error?: string;
  readonly changes: readonly Readonly<Record<string, unknown>>[];
}

function projectOf(port: number, options: string, workers = 1): ReturnType<typeof emptyProject> {
  return emptyProject({
    'main.js': MAIN,
    'app.js': APP,
    'token-secret': OLD,
    'api-paste.ini': `[pipeline:hello]
pipeline = jwt hello_app
[app:hello_app]
paste.app_factory = ./app.js:app
[filter:jwt]
paste.filter_factory = portico/middleware:jwtAuth
delay_auth_decision = true
`,
    'portico.ini': `[api:hello]\nport = ${port}\nworkers = ${workers}\n${options}`,
  });
}

async function served(t: TestContext, options: string, workers = 1) {
  const port = await freePort();
  const made = projectOf(port, options, workers);
  const { folder } = made;
  const program = startProject(t, made);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  await program.printed(/"event":"ready"/);
  const current = async (): Promise<readonly Worker[]> =>
    (await askSocket<{ services: { workers: Worker[] }[] }>(socket!, 'GET', '/status')).body.services[0]!.workers;
  const get = async (path: string) => ask(`http://127.0.0.1:${port}${path}`);
  /** The response of the process with this pid. */
  const from = async (pid: number, path: string): Promise<string> => {
    for (;;) {
      const { headers, text } = await get(path);
      if (headers['x-pid'] === String(pid)) return text;
    }
  };
  return {
    folder,
    program,
    current,
    from,
    signedNow: async () => secretOf((await get('/token')).text),
    signedBy: async (pid: number) => secretOf(await from(pid, '/token')),
    write: (file: string, text: string) => writeFileSync(join(folder, file), text),
    reload: async (...words: string[]): Promise<Report> =>
      JSON.parse((await commandBeside(['reload', '--json', ...words], { cwd: folder })).stdout) as Report,
    /** Kills a worker. Returns the pid of its replacement once that serves. */
    replaced: async (): Promise<number> => {
      const [killed] = await current();
      process.kill(killed!.pid, 'SIGKILL');
      const isNew = ({ id, pid, state }: Worker): boolean =>
        id === killed!.id && pid !== killed!.pid && state === 'ready';
      return (await until(current, (workers) => workers.some(isNew))).find(isNew)!.pid;
    },
  };
}

/** Serves the project in a single process. */
async function servedAlone(t: TestContext, options: string) {
  const port = await freePort();
  const { folder } = projectOf(port, options);
  const program = startMain(t, { folder });
  await program.printed(/"event":"ready"/);
  return { port, folder, program };
}

test('a worker that restarts has the secret of its siblings until a reload, whose report names the file; one that has become a FIFO refuses a reload, and holds up nothing', async (t) => {
  const { folder, program, current, signedNow, signedBy, write, reload, replaced } = await served(
    t,
    '[jwt]\nsecret_file = token-secret\n',
    2,
  );
  write('token-secret', NEW);
  assert.equal(await signedBy(await replaced()), 'OLD');
  const change = {
    option: 'jwt.secret_file',
    old: '****',
    new: '****',
    where: 'portico.ini:5:15',
    effect: 'applied',
    file: join(folder, 'token-secret'),
    services: ['hello'],
  };
  assert.deepEqual((await reload('--dry-run')).changes, [change]);
  const { stdout } = await commandBeside(['reload', '--dry-run'], { cwd: folder });
  const told = `  jwt.secret_file: content of ${change.file} changed (portico.ini:5:15), applied\n`;
  assert.ok(stdout.includes(told), stdout);
  assert.equal(await signedBy(await replaced()), 'OLD');
  const { outcome, changes } = await reload();
  assert.deepEqual([outcome, changes, await signedNow()], ['accepted', [change], 'NEW']);
  assert.deepEqual((await reload()).changes, []);

  write('token-secret', OLD);
  assert.equal(await signedBy(await replaced()), 'NEW');
  const shown = [program.output(), JSON.stringify(await current())];
  for (const { pid } of await current())
    shown.push(readFileSync(`/proc/${pid}/environ`, 'utf8'), readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  for (const secret of [OLD, NEW]) assert.ok(!shown.join().includes(secret));

  write('token-secret', 'short');
  const refused = await reload();
  assert.deepEqual(
    [refused.outcome, refused.changes.map(({ option, effect }) => [option, effect])],
    ['refused', [['jwt.secret_file', 'not applied']]],
  );
  const path = join(folder, 'token-secret');
  rmSync(path);
  assert.equal(await signedBy(await replaced()), 'NEW');

  execFileSync('mkfifo', [path]);
  for (const words of [['--dry-run'], []]) {
    const { outcome, error } = await reload(...words);
    assert.equal(outcome, 'refused');
    assert.match(error!, /the secret cannot be read from .*token-secret: should be a file, is a FIFO/);
  }
  assert.equal(await signedNow(), 'NEW');
  rmSync(path);
  writeFileSync(path, OLD);
  assert.deepEqual([(await reload()).outcome, await signedNow()], ['accepted', 'OLD']);
  await program.stop();
});

test('a file that a worker reads late is among the changes of a reload, and new workers have its content', async (t) => {
  const { folder, current, from, write, reload } = await served(t, '[jwt]\nsecret_file = token-secret\n', 2);
  const [first] = await current();
  write('other', 'one');
  assert.equal(await from(first!.pid, `/file?${first!.pid}`), 'one');
  // Its parent reads the file when it learns of it: only a later content is a change.
  let count = 0;
  await until(
    () => {
      count += 1;
      write('other', `one more: ${count}`);
      return reload('--dry-run');
    },
    ({ changes }) => changes.length > 0,
  );
  write('other', 'two');
  const { changes } = await reload();
  const path = join(folder, 'other');
  assert.deepEqual(
    changes.map(({ option, old, new: now, effect }) => [option, old, now, effect]),
    [[path, '****', '****', 'applied']],
  );
  const [next] = await current();
  assert.equal(await from(next!.pid, `/file?${next!.pid}`), 'two');
});

test('in a single process, a secret file that has become a FIFO refuses a reload, and a new one is among the changes of the next', async (t) => {
  const { port, folder, program } = await servedAlone(
    t,
    '[jwt]\nsecret_file = token-secret\n[DEFAULT]\nwatch_config_files = true\n',
  );
  const path = join(folder, 'token-secret');
  const signedNow = async () => secretOf((await ask(`http://127.0.0.1:${port}/token`)).text);
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  renameSync(join(folder, 'fifo'), path);
  program.kill('SIGHUP');
  const [line] = await program.printed(/.*"event":"reload".*/);
  const { outcome, error } = JSON.parse(line) as Report;
  assert.equal(outcome, 'refused');
  assert.match(error!, /should be a file, is a FIFO/);
  assert.equal(await signedNow(), 'OLD');

  writeFileSync(join(folder, 'next'), NEW);
  renameSync(join(folder, 'next'), path);
  const [accepted] = await program.printed(/.*"event":"reload".*"outcome":"accepted".*/);
  const { changes } = JSON.parse(accepted) as Report;
  assert.deepEqual(
    changes.map(({ option, old, new: now, effect, file }) => [option, old, now, effect, file]),
    [['jwt.secret_file', '****', '****', 'applied', path]],
  );
  assert.equal(await signedNow(), 'NEW');
});

test('a mutate shows nothing of a secret; running workers keep the old one, and a new worker has the new one', async (t) => {
  const { folder, program, signedBy, signedNow, write, reload, replaced } = await served(
    t,
    '[jwt]\nsecret_file = token-secret\n[DEFAULT]\nrestart_method = mutate\n',
  );
  write('token-secret', NEW);
  const { outcome, changes } = await reload();
  assert.deepEqual(
    [outcome, changes.map(({ old, new: now, effect, file }) => [old, now, effect, file])],
    ['accepted', [['****', '****', 'passed to reset()', join(folder, 'token-secret')]]],
  );
  assert.doesNotMatch(program.output(), /sha256/);
  assert.equal(await signedNow(), 'OLD');
  assert.equal(await signedBy(await replaced()), 'NEW');
});
