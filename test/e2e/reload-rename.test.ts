/** A reload that replaces one API with another on the same address, under load, loses no request. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import type { ReloadReport } from 'portico/launch';
import { temporaryFolder } from '../fixtures/keeper.js';
import { load } from '../fixtures/load.js';
import { childrenOf, isAlive } from '../fixtures/running-program.js';
import { ask } from './clients.js';
import { freePort } from './program.js';
import { type ReloadedProject, reloadedProject } from './reloaded-project.js';

/** An app that responds with its name and pid; to `/held`, its body comes once the file `released` is there. */
const app = (name: string): string =>
  `import { existsSync } from 'node:fs';
export const app = () => async (req, res) => {
  if (req.url === '/held') res.flushHeaders();
  while (req.url === '/held' && !existsSync('released')) await new Promise((resolve) => setTimeout(resolve, 20));
  res.end(JSON.stringify({ pid: process.pid, api: '${name}' }));
};\n`;
const paste = ['one', 'two', 'three', 'four']
  .map((name) => `[app:${name}]\npaste.app_factory = ./${name}.js:app\n`)
  .join('\n');

function started(t: TestContext, ini: string, more: Record<string, string> = {}): Promise<ReloadedProject> {
  const files = Object.fromEntries(['one', 'two', 'three', 'four'].map((name) => [`${name}.js`, app(name)]));
  return reloadedProject(t, { ...files, ...more, 'api-paste.ini': paste, 'portico.ini': ini }, /"event":"ready"/);
}

const section = (name: string, port: number, workers: number): string =>
  `[api:${name}]\nport = ${port}\nworkers = ${workers}\n`;

/** The pause of a client between requests: without it clients starve the workers that start. */
const REST_MS = 40;

/** Clients that keep their connections. The returned function stops them and returns the failures. */
function keptLoad(port: number, clients: number): () => Promise<{ answered: number; failed: string[] }> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const failed: string[] = [];
  let answered = 0;
  let running = true;
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const req = request({ host: '127.0.0.1', port, agent }, (res) => {
        if (res.statusCode !== 200) failed.push(String(res.statusCode));
        res.on('error', (error) => failed.push(error.message));
        res.on('end', () => {
          answered += 1;
        });
        res.on('close', () => resolve());
        res.resume();
      });
      req.on('error', (error: NodeJS.ErrnoException) => {
        failed.push(error.code ?? error.message);
        resolve();
      });
      req.end();
    });
  const all = Array.from({ length: clients }, async () => {
    while (running) {
      await once();
      await rest(REST_MS);
    }
  });
  return async () => {
    running = false;
    await Promise.all(all);
    agent.destroy();
    return { answered, failed };
  };
}

async function apiAt(port: number): Promise<string> {
  return (JSON.parse((await ask(`http://127.0.0.1:${port}/`)).text) as { api: string }).api;
}

/** Settles once none of these processes is left. The child that builds for a reload logs nothing at its end. */
async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await rest(REST_MS);
}

/** Removes an API with a request in flight. Also returns the pid of its worker. */
async function removedAtWork(
  { write, reload }: ReloadedProject,
  { name, port, without }: { name: string; port: number; without: string },
) {
  const { pid } = JSON.parse((await ask(`http://127.0.0.1:${port}/`)).text) as { pid: number };
  const asked = request({ host: '127.0.0.1', port, path: '/held', agent: false }).end();
  const [res] = (await once(asked, 'response')) as [IncomingMessage];
  const answer = once(res.resume(), 'end').then(
    () => res.complete,
    () => false,
  );
  write(without);
  assert.deepEqual((await reload()).removed, [name]);
  return { answer, pid };
}

test('RL-65 OP-86 two APIs give way to two others that have each other’s ports, and other numbers of workers: no request is lost; RL-68 OP-80 an address that cannot be handed over refuses the reload in one line that names both; LC-513 RL-83 SIGINT ends the workers of an API that a reload has removed as well', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const it = await started(
    t,
    `[DEFAULT]\nenabled_apis = one,two\n${section('one', first, 2)}${section('two', second, 1)}`,
  );
  const before = childrenOf(it.program.pid);
  const fresh = [load(first, 2), load(second, 2)];
  const kept = [keptLoad(first, 2), keptLoad(second, 2)];
  it.write(`[DEFAULT]\nenabled_apis = three,four\n${section('three', second, 2)}${section('four', first, 1)}`);
  const report = await it.reload();
  assert.equal(report.outcome, 'accepted', report.error);
  assert.deepEqual(
    [report.added.toSorted(), report.removed.toSorted()],
    [
      ['four', 'three'],
      ['one', 'two'],
    ],
  );
  await gone(before);
  for (const end of fresh) {
    const { answered, failed } = await end();
    assert.deepEqual(failed, {});
    assert.ok(answered > 5);
  }
  for (const end of kept) {
    const { answered, failed } = await end();
    assert.deepEqual(failed, []);
    assert.ok(answered > 5);
  }
  // Each connection reaches a worker on any socket, whose number was another one.
  for (const [port, api] of [
    [first, 'four'],
    [second, 'three'],
  ] as const) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => apiAt(port)));
    assert.deepEqual(new Set(answers), new Set([api]));
  }

  const old = childrenOf(it.program.pid);
  // A wider form of an address that becomes free is not available while the address is in use.
  it.write(
    `[DEFAULT]\nenabled_apis = four,one\n${section('four', first, 1)}[api:one]\nlisten = 0.0.0.0:${second}\nport = ${second}\nworkers = 1\n`,
  );
  const wider = (await it.reload()) as ReloadReport & { err?: unknown };
  assert.equal(wider.outcome, 'refused');
  assert.match(
    wider.error ?? '',
    new RegExp(
      `^portico\\.ini:7:10: error: one wants 0\\.0\\.0\\.0:${second}: three, which this reload removes, listens on 127\\.0\\.0\\.1:${second}\n`,
    ),
  );
  assert.equal(wider.err, undefined);
  assert.deepEqual(childrenOf(it.program.pid), old);
  // APIs that remain cannot swap addresses: addresses in use change at a restart, and the report says so.
  it.write(`[DEFAULT]\nenabled_apis = three,four\n${section('three', first, 2)}${section('four', second, 1)}`);
  const swap = await it.reload();
  assert.equal(swap.outcome, 'accepted', swap.error);
  assert.deepEqual(
    swap.changes.map(({ option, effect }) => [option, effect]),
    [
      ['api:three.port', 'needs a restart'],
      ['api:four.port', 'needs a restart'],
    ],
  );
  assert.deepEqual([await apiAt(first), await apiAt(second)], ['four', 'three']);

  const without = `[DEFAULT]\nenabled_apis = three\n${section('three', second, 2)}`;
  const { answer, pid } = await removedAtWork(it, { name: 'four', port: first, without });
  assert.ok(isAlive(pid));
  const exited = once(it.program.child, 'exit');
  it.program.kill('SIGINT');
  assert.deepEqual(await exited, [1, null]);
  // Not later, when it has noticed that its parent is gone.
  assert.equal(isAlive(pid), false);
  assert.equal(await answer, false);
});

test('RL-65 RL-66 LC-1305 a rename that forgets the section, or does not start, leaves the address to the old one', async (t) => {
  const port = await freePort();
  const it = await started(t, `[DEFAULT]\nenabled_apis = one\n${section('one', port, 1)}`);
  const old = childrenOf(it.program.pid);
  const running = load(port, 2);
  it.write(`[DEFAULT]\nenabled_apis = two\n${section('one', port, 1)}`);
  const forgotten = await it.reload();
  assert.equal(forgotten.outcome, 'refused');
  assert.match(
    forgotten.error ?? '',
    /portico\.ini:2:16: .*two has no port.* one.*\n +rename \[api:one\] \(portico\.ini:3:1\) to \[api:two\]/,
  );
  it.write(
    `[DEFAULT]\nenabled_apis = two\n${section('two', port, 1)}manager = ./broken.js:Broken\n[api:one]\nport = ${port}\n`,
  );
  const report = await it.reload();
  assert.equal(report.outcome, 'refused');
  assert.deepEqual((await running()).failed, {});
  await gone(childrenOf(it.program.pid).filter((pid) => !old.includes(pid)));
  assert.deepEqual(childrenOf(it.program.pid), old);
  assert.equal(await apiAt(port), 'one');
  it.write(`[DEFAULT]\nenabled_apis = two\n${section('two', port, 1)}`);
  assert.equal((await it.reload()).outcome, 'accepted');
  await gone(old);
  assert.equal(await apiAt(port), 'two');
  it.write(`[DEFAULT]\nenabled_apis = two,three\n${section('two', port, 1)}[api:three]\nworkers = 1\n`);
  assert.equal((await it.reload()).outcome, 'accepted');
  await it.program.printed(/portico\.ini:6:1: warning: \[api:three\] port: three has no port: it listens on \d+/);
});

/** Starts two APIs, of which a reload removes the second. */
async function pair(t: TestContext) {
  const [own, other] = [await freePort(), await freePort()];
  const without = `[DEFAULT]\ndrain_delay = 1\nenabled_apis = one\n${section('one', own, 1)}`;
  const both = `[DEFAULT]\ndrain_delay = 1\nenabled_apis = one,two\n${section('one', own, 1)}${section('two', other, 1)}`;
  return { ...(await started(t, both)), other, without, both };
}

test('LC-518 OP-86 an API that comes again while its workers have not let go of the address is waited for; LC-511 LC-354 SIGTERM waits for the workers of an API that a reload has removed', async (t) => {
  const it = await pair(t);
  it.write(it.without);
  assert.deepEqual((await it.reload()).removed, ['two']);
  it.write(it.both);
  const again = await it.reload();
  assert.deepEqual([again.outcome, again.added], ['accepted', ['two']], again.error);
  assert.equal(await apiAt(it.other), 'two');

  const { program, folder } = it;
  const { answer, pid } = await removedAtWork(it, { name: 'two', port: it.other, without: it.without });
  assert.ok(isAlive(pid));
  program.kill('SIGTERM');
  await program.printed(/Caught SIGTERM/);
  writeFileSync(join(folder, 'released'), '');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.equal(isAlive(pid), false);
  assert.equal(await answer, true);
  // The parent awaited the worker, which did not merely end in time by itself.
  const text = program.stderr;
  const exited = text.search(new RegExp(`"event":"worker_exited".*"pid":${pid},`));
  assert.ok(exited !== -1 && exited < text.indexOf('"event":"stopped"'));
});

/** Sends requests on new connections until a response announces that the API is about to stop. Rejects if one is refused before. */
async function untilAnnounced(socketPath: string): Promise<void> {
  for (let announced = false; !announced; ) {
    const agent = new Agent({ keepAlive: true });
    const [res] = (await once(request({ socketPath, agent }).end(), 'response')) as [IncomingMessage];
    announced = res.headers.connection === 'close';
    await once(res.resume(), 'end');
    agent.destroy();
  }
}

test('LC-541 OP-86 an API on a unix socket accepts connections for drain_delay after SIGTERM, and after the reload that removes it', async (t) => {
  const folder = temporaryFolder('portico-socket-');
  const socket = join(folder, 'one.sock');
  const api = (name: string): string => `[api:${name}]\nlisten = unix:${socket}\nworkers = 2\n`;
  const ini = (name: string): string =>
    `[DEFAULT]\ndrain_delay = 1\nenabled_apis = ${name}\n${name === 'two' ? section(name, 0, 1) : api(name)}`;
  const it = await started(t, ini('one'));
  it.write(ini('two'));
  const removal = it.reload();
  await untilAnnounced(socket);
  assert.deepEqual((await removal).removed, ['one']);
  while (existsSync(socket)) await rest(REST_MS);

  it.write(ini('one'));
  assert.deepEqual((await it.reload()).added, ['one']);
  it.write(ini('two'));
  assert.deepEqual((await it.reload()).removed, ['one']);
  // While the workers of the old one still accept connections, another one has the path.
  it.write(ini('one'));
  assert.deepEqual((await it.reload()).added, ['one']);
  it.program.kill('SIGTERM');
  await it.program.printed(/Caught SIGTERM/);
  await untilAnnounced(socket);
  assert.deepEqual(await it.program.ended, { code: 0, signal: null });
  assert.equal(existsSync(socket), false);
});
