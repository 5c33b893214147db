/** Releases behind a link, `current -> v2`: the code that a reload serves. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { apiCli, freePort, type Outcome, Program } from './program.js';

/** Folders with releases, a link to one of them, and a service started in the link. */
class Releases {
  readonly #base = temporaryFolder('portico-releases-');
  readonly #port: number;
  readonly #env: Record<string, string>;
  readonly current = join(this.#base, 'current');

  constructor(port: number) {
    this.#port = port;
    this.#env = { PWD: this.current };
  }

  /** Creates a release and points the link at it. `loads` begins its module, whose responses contain `release`. */
  show(name: string, { ini = '', loads = '', release = '' } = {}): void {
    const folder = join(this.#base, name);
    mkdirSync(folder);
    const files = {
      'package.json': '{ "type": "module" }',
      'app.js': `${loads}\nexport const app = () => (req, res) => res.end(JSON.stringify([process.cwd().split('/').at(-1), process.pid, '${release}']));`,
      'api-paste.ini': '[app:shop]\npaste.app_factory = ./app.js:app\n',
      'portico.ini': `[DEFAULT]\n${ini}\n[api:shop]\nport = ${this.#port}\nworkers = 1\n`,
    };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    symlinkSync(name, join(this.#base, 'next'));
    renameSync(join(this.#base, 'next'), this.current);
  }

  remove(name: string): void {
    rmSync(join(this.#base, name), { recursive: true });
  }

  start(...words: string[]): Program {
    return new Program(process.execPath, [apiCli, ...words], { cwd: this.current, env: this.#env });
  }

  async run(...words: string[]): Promise<Outcome> {
    const program = this.start(...words);
    const { code } = await program.ended;
    return { status: code!, stdout: program.stdout, stderr: program.stderr };
  }

  /** The pid of the process that serves this release's folder. The worker replaced last may still accept a connection. */
  async serving(name: string, release = ''): Promise<number> {
    for (;;) {
      const [by, pid, loaded] = (await get<[string, number, string]>(this.#port, '/')).body;
      if (by !== name) continue;
      assert.equal(loaded, release);
      return pid;
    }
  }
}

test('a reload follows the link that the service was started in, and needs the release before no longer', async (t) => {
  const releases = new Releases(await freePort());
  releases.show('v1');
  const program = releases.start();
  t.after(() => program.end());
  await program.printed(/"event":"ready"/);
  await releases.serving('v1');

  releases.show('v2');
  const accepted = await releases.run('reload');
  assert.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
  const worker = await releases.serving('v2');

  releases.remove('v1');
  let from = program.output().length;
  process.kill(worker, 'SIGKILL');
  await program.printed(/"event":"worker_ready"/, from);
  await releases.serving('v2');

  // A refused reload changes nothing, including the working directory.
  releases.show('v3', { ini: 'graceful_shutdown_timeout = soon' });
  assert.equal((await releases.run('reload')).status, 1);
  const { stdout } = await releases.run('status', '--json');
  assert.match(stdout, /"folder": ".*\/v2"/);
  const second = await releases.serving('v2');

  // While a reload is checked that will be refused, a worker that dies is replaced in the folder of its siblings.
  const loads =
    'process.stderr.write(process.cwd() + " loads\\n"); if (process.cwd().endsWith("v4")) await new Promise(() => {});';
  releases.show('v4', { ini: 'worker_start_timeout = 5', loads: `setInterval(() => {}, 1e6); ${loads}` });
  from = program.output().length;
  const tried = releases.run('reload');
  await program.printed(/v4 loads/, from);
  from = program.output().length;
  process.kill(second, 'SIGKILL');
  await program.printed(/"event":"worker_ready"/, from);
  await releases.serving('v2');
  assert.equal((await tried).status, 1);
});

test('workers load the modules of the release that is in force, wherever the link leads', async (t) => {
  const releases = new Releases(await freePort());
  const ini = 'log_level = debug';
  releases.show('v1', { ini, release: 'v1' });
  const program = releases.start();
  t.after(() => program.end());
  await program.printed(/"event":"ready"/);
  const replaced = async (pid: number, release: string): Promise<number> => {
    const from = program.output().length;
    process.kill(pid, 'SIGKILL');
    await program.printed(/"event":"worker_ready"/, from);
    return releases.serving('v1', release);
  };

  releases.show('v2', { ini, release: 'v2' });
  const second = await replaced(await releases.serving('v1', 'v1'), 'v1');

  // After a refused reload.
  releases.show('v3', { ini: 'graceful_shutdown_timeout = soon', release: 'v3' });
  assert.equal((await releases.run('reload')).status, 1);
  await replaced(second, 'v1');

  releases.show('v4', { ini, release: 'v4' });
  assert.equal((await releases.run('reload')).status, 0);
  await releases.serving('v4', 'v4');
});

test('a reload in place stays in the folder of the code that runs', async (t) => {
  const releases = new Releases(await freePort());
  const mutate = 'restart_method = mutate';
  releases.show('v1', { ini: mutate });
  const program = releases.start();
  t.after(() => program.end());
  await program.printed(/"event":"ready"/);
  const worker = await releases.serving('v1');

  releases.show('v2', { ini: `${mutate}\nlog_level = warn` });
  const { status, stdout } = await releases.run('reload');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /log_level: info -> warn/);
  process.kill(worker, 'SIGKILL');
  for (let next = worker; next === worker; next = await releases.serving('v1'));
  assert.match((await releases.run('status', '--json')).stdout, /"folder": ".*\/v1"/);
});
