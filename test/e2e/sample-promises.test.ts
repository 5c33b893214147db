/** The sample keeps its promises to clients through reloads, restarts and kills of its workers. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { ask } from './clients.js';
import { childrenOf, until } from './faults/target.js';
import { emptyProject, freePort, root, startApiCli } from './program.js';

const CIRROS = '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01';

/** The pause of a client between rounds: without it clients starve the workers that start. */
const REST_MS = 200;

/** A client that creates, reads, lists and deletes servers, and trusts every response. */
class BelievingClient {
  /** The ids of servers that exist, and of servers that are deleted, according to the responses. */
  readonly there = new Set<string>();
  readonly gone = new Set<string>();
  /** Every broken promise. */
  readonly broken: string[] = [];
  /** The number of requests without a response, which promise nothing. */
  cut = 0;
  rounds = 0;
  readonly #url: string;
  readonly #token: string;
  readonly #agent: Agent | false;
  #stopping = false;
  readonly #ended: Promise<void>;

  constructor(url: string, project: string, keepAlive: boolean) {
    this.#url = url;
    this.#token = `user:${project}`;
    this.#agent = keepAlive && new Agent({ keepAlive: true, maxSockets: 1 });
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ended;
    await this.#lookForAll();
    if (this.#agent) this.#agent.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await this.#round().catch((error: NodeJS.ErrnoException) => {
        if (error.code === undefined && error.message !== 'the answer was cut') throw error;
        this.cut += 1;
      });
      this.rounds += 1;
      await rest(REST_MS);
    }
  }

  async #round(): Promise<void> {
    const server = { name: 'promised', flavorRef: '1', imageRef: CIRROS };
    const made = await this.#send('POST', '/servers', { server });
    if (made.status !== 202) return void this.broken.push(`POST ${made.status} ${made.text}`);
    const { id } = (JSON.parse(made.text) as { server: { id: string } }).server;
    this.there.add(id);
    await this.#expect(`/servers/${id}`, 200);
    const listed = await this.#list();
    for (const each of this.there) if (!listed.has(each)) this.broken.push(`${each} is not in the list`);
    for (const each of this.gone) if (listed.has(each)) this.broken.push(`${each} is in the list again`);
    if (this.rounds % 2 === 0) return;
    // Until the response arrives nothing is promised, in either direction.
    this.there.delete(id);
    const removed = await this.#send('DELETE', `/servers/${id}`);
    if (removed.status !== 204) return void this.broken.push(`DELETE ${removed.status} ${removed.text}`);
    this.gone.add(id);
    await this.#expect(`/servers/${id}`, 404);
  }

  async #lookForAll(): Promise<void> {
    for (const id of this.there) await this.#expect(`/servers/${id}`, 200);
    for (const id of this.gone) await this.#expect(`/servers/${id}`, 404);
  }

  async #list(): Promise<Set<string>> {
    const { status, text } = await this.#send('GET', '/servers');
    if (status !== 200) this.broken.push(`GET /servers ${status}`);
    return new Set((JSON.parse(text) as { servers: { id: string }[] }).servers.map(({ id }) => id));
  }

  async #expect(path: string, wanted: number): Promise<void> {
    const { status } = await this.#send('GET', path);
    if (status !== wanted) this.broken.push(`GET ${path} ${status}, not ${wanted}`);
  }

  #send(method: string, path: string, body?: object) {
    const headers = { 'X-Auth-Token': this.#token, ...(body && { 'Content-Type': 'application/json' }) };
    const sent = { method, headers, agent: this.#agent, ...(body && { body: JSON.stringify(body) }) };
    return ask(`${this.#url}/v2.1${path}`, sent);
  }
}

test('SC-3 SC-102 no server that was promised goes missing in reloads, a rolling restart and the kill of a worker', async () => {
  const port = await freePort();
  const project = emptyProject({});
  const file = join(project.folder, 'portico.ini');
  const configure = (workers: number): void => {
    writeFileSync(
      file,
      `[DEFAULT]\nenabled_apis = compute\napi_paste_config = ${root}/paste/api-paste.ini\nstate_path = ${project.folder}
fault_style = openstack\nperiodic_fuzzy_delay = 0\nreport_interval = 1
[api]\nauth_strategy = noauth
[api:compute]\nport = ${port}\nworkers = ${workers}\nmanager = ${root}/examples/compute/dist/bundle.js:ComputeManager
[database]\nconnection = interpolate:sqlite:///$state_path/services.db
[sample]\ntransition_ms = 0\nmax_limit = 100000\n`,
    );
  };
  configure(1);
  const program = startApiCli(['--config-file', file], { cwd: project.folder });
  const ready = (): number => program.stderr.match(/"event":"worker_ready"/g)?.length ?? 0;
  const reloads = (): number => program.stderr.match(/"event":"reload"[^\n]*"outcome":"accepted"/g)?.length ?? 0;
  const clients: BelievingClient[] = [];
  const rounds = (): number => Math.min(...clients.map((client) => client.rounds));
  const more = async (): Promise<void> => {
    const goal = rounds() + 3;
    assert.ok(await until(() => rounds() >= goal), 'the clients go on');
  };
  const replaced = async (): Promise<void> => {
    const goal = reloads() + 1;
    program.kill('SIGHUP');
    assert.ok(await until(() => reloads() >= goal), program.stderr);
    await more();
  };
  try {
    await program.printed(/^compute\b.*:\d+/m);
    const unlimited = await fetch(`http://127.0.0.1:${port}/v2.1/os-quota-class-sets/default`, {
      method: 'PUT',
      headers: { 'x-auth-token': 'admin', 'content-type': 'application/json' },
      body: JSON.stringify({ quota_class_set: { instances: -1, cores: -1, ram: -1 } }),
    });
    assert.equal(unlimited.status, 200);
    for (let i = 0; i < 4; i++) clients.push(new BelievingClient(`http://127.0.0.1:${port}`, `p${i}`, i % 2 === 0));
    await more();
    configure(2);
    await replaced();
    await replaced();
    const cuts = clients.map(({ cut }) => cut);
    assert.deepEqual(cuts, [0, 0, 0, 0]);
    const goal = ready() + 1;
    process.kill(childrenOf(program.pid)[0]!, 'SIGKILL');
    assert.ok(await until(() => ready() >= goal), program.stderr);
    await more();
    await Promise.all(clients.map((client) => client.stop()));
    assert.deepEqual(
      clients.flatMap(({ broken }) => broken),
      [],
    );
    for (const { there, gone } of clients) assert.ok(there.size > 4 && gone.size > 4);
    await program.stop();
  } finally {
    await Promise.allSettled(clients.map((client) => client.stop()));
    await program.end();
  }
});
