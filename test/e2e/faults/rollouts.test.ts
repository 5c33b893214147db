/**
 * Rollouts of a Deployment as `generate kubernetes` prints it: pods get SIGTERM at once, and the proxies of Services learn of them late. Clients
 * lose no request. The short run has a fifth of the times.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandBeside } from '../../cli/command.js';
import { apiCli, emptyProject, freePort, root, startedOnce, type UntilEnd, untilFileEnds } from '../program.js';
import { ClusterService } from './cluster-service.js';
import { faultApp, pasteFile } from './fault-fleet.js';
import { describeLosses, isLong, printFigures } from './figures.js';
import { askFor, type Kinds, Load } from './load.js';
import { Pod, type PodProgram, type PodTemplate, templateOf } from './pods.js';
import { childrenOf, isAlive, type Target, until } from './target.js';

const scale = isLong ? 1 : 0.2;
const updates = isLong ? 20 : 1;
const evictions = isLong ? 5 : 1;
/** Milliseconds after which a proxy learns of a pod. A busy machine is late by itself, so the short run has a smaller part of them. */
const LAGS = isLong ? [5000, 0, 2500, 4000, 1000] : [500, 0, 250];
const REPLICAS = 2;
/** Pods that are harmed, one after another: each waits until its worker is given up. */
const harmedPods = isLong ? REPLICAS : 1;
/** Clients that are near, and those that are far. */
const NEAR: Kinds = isLong ? { kept: 8, fresh: 6, slow: 6 } : { kept: 4, fresh: 3, slow: 3 };
const FAR: Kinds = { kept: isLong ? 10 : 5 };
const CLIENTS = isLong ? 30 : 15;
/** Seconds; a worker must be able to start within them on a loaded machine. */
const STUCK_SECONDS = 5;
/** Milliseconds that bytes of distant clients take for each way. */
const FAR_MS = 30;

/** A Deployment with its Service. */
class Rollouts {
  readonly service: ClusterService;
  readonly port: number;
  pods: Pod[] = [];
  readonly #stops: ReturnType<Pod['stop']>[] = [];
  readonly #all: Pod[] = [];
  readonly #program: PodProgram;
  readonly #template: PodTemplate;

  constructor(program: PodProgram, template: PodTemplate, port: number) {
    this.#program = program;
    this.#template = template;
    this.port = port;
    this.service = new ClusterService(port, LAGS);
  }

  async start(): Promise<void> {
    for (let i = 0; i < REPLICAS; i++) this.pods.push(this.#create());
    await Promise.all(this.pods.map(({ ready }) => ready));
    assert.ok(
      await until(() => this.service.knows(this.pods)),
      this.#all.map(({ program }) => program.output()).join(),
    );
  }

  /** One pod more is created; when it is ready an old one stops. */
  async update(): Promise<void> {
    for (const old of this.pods.splice(0)) {
      const fresh = this.#create();
      await fresh.ready;
      assert.ok(fresh.isReady, fresh.program.output());
      this.pods.push(fresh);
      this.#stops.push(old.stop());
    }
  }

  /** An update to an image that does not start: its container is started anew, `starts` times in all, and no old pod stops. */
  async updateTo(program: PodProgram, starts: number): Promise<void> {
    for (let start = 0; start < starts; start++) {
      const fresh = this.#create(program);
      const { code } = await fresh.program.ended;
      assert.notEqual(code, 0, fresh.program.output());
      assert.ok(!fresh.isReady);
    }
  }

  /** The node of all pods is drained: each is evicted and created anew when the disruption budget, one, lets it. */
  async evict(): Promise<void> {
    for (const old of this.pods.splice(0)) {
      this.#stops.push(old.stop());
      const fresh = this.#create();
      this.pods.push(fresh);
      await fresh.ready;
    }
  }

  /** Settles when all pods that were stopped have ended, and asserts how. */
  async stopped(): Promise<void> {
    for (const ending of await Promise.all(this.#stops)) {
      assert.deepEqual(ending, { code: 0, signal: null, killed: false });
    }
  }

  async end(): Promise<void> {
    this.service.close();
    await Promise.all(this.#all.map(({ program }) => program.end()));
  }

  #create(program = this.#program): Pod {
    // Each pod has an address; another process of this file uses other ones.
    const host = `127.${20 + (process.pid % 200)}.0.${this.#all.length + 1}`;
    const pod = new Pod(host, program, this.#template, (changed) => this.service.changed(changed));
    this.#all.push(pod);
    return pod;
  }
}

/** Sends requests of near and distant clients while `disturb` runs, one round after another. Returns what was lost. */
async function underLoad(
  row: string,
  rollouts: Rollouts,
  rounds: number,
  disturb: () => Promise<void>,
): Promise<string[]> {
  const from = async (ms: number, kinds: Kinds): Promise<Load> =>
    new Load({ url: await rollouts.service.open(ms) } as Target, kinds);
  const loads = [await from(0, NEAR), await from(FAR_MS, FAR)];
  for (const load of loads) await load.more(50);
  for (let round = 0; round < rounds; round++) {
    await disturb();
    assert.ok(await until(() => rollouts.service.knows(rollouts.pods)));
  }
  await rollouts.stopped();
  for (const load of loads) await load.more(50);
  for (const load of loads) await load.stop();
  const lost = loads.flatMap((load) => load.lost);
  const answered = loads.reduce((sum, { total }) => sum + total, 0);
  printFigures(row, { rounds, answered, lost: describeLosses(lost) });
  return lost;
}

/** The pods of a project, with the template of its generated manifest in the times of this run. */
async function generated(t: UntilEnd): Promise<Rollouts> {
  const port = await freePort();
  const ini = `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\n`;
  const project = emptyProject({ 'portico.ini': ini, 'api-paste.ini': pasteFile('first'), 'app.js': faultApp });
  const { status, stdout, stderr } = await commandBeside(['generate', 'kubernetes'], { cwd: project.folder });
  assert.equal(status, 0, stderr);
  const template = templateOf(stdout);
  const delay = Number(template.env.PORTICO_DEFAULT__DRAIN_DELAY) * scale;
  const program: PodProgram = {
    folder: project.folder,
    words: (host) => [apiCli, '--set', `api:hello.listen=${host}`],
  };
  const env = {
    ...template.env,
    PORTICO_DEFAULT__DRAIN_DELAY: String(delay),
    PORTICO_DEFAULT__WORKER_TIMEOUT: String(STUCK_SECONDS),
  };
  return begun(t, new Rollouts(program, scaled({ ...template, env }), port));
}

async function begun(t: UntilEnd, rollouts: Rollouts): Promise<Rollouts> {
  t.after(() => rollouts.end());
  await rollouts.start();
  return rollouts;
}

/** Pods for all tests, which replace them. */
const file = untilFileEnds();
const shared = startedOnce(() => generated(file));

const scaled = ({ startupProbe, readinessProbe, ...rest }: PodTemplate): PodTemplate => ({
  ...rest,
  startupProbe: { ...startupProbe, periodSeconds: startupProbe.periodSeconds * scale },
  readinessProbe: { ...readinessProbe, periodSeconds: readinessProbe.periodSeconds * scale },
});

test('OP-15 a rolling update of what generate prints loses no request', { timeout: 900_000 }, async () => {
  const rollouts = await shared();
  assert.deepEqual(await underLoad('rolling updates', rollouts, updates, () => rollouts.update()), []);
});

test('OP-15 the drain of a node, within a disruption budget of one, loses no request', {
  timeout: 900_000,
}, async () => {
  const rollouts = await shared();
  assert.deepEqual(await underLoad('evictions of a node', rollouts, evictions, () => rollouts.evict()), []);
});

test('OP-15 an image that does not start never takes over: the old pods stay, and no request is lost', {
  timeout: 900_000,
}, async () => {
  const rollouts = await shared();
  const bad = emptyProject({
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${rollouts.port}\n`,
    'api-paste.ini': pasteFile('second'),
    'app.js': 'throw new Error("the image lacks a library");',
  });
  const words = (host: string): string[] => [apiCli, '--set', `api:hello.listen=${host}`];
  const update = (): Promise<void> => rollouts.updateTo({ folder: bad.folder, words }, isLong ? 5 : 1);
  assert.deepEqual(await underLoad('bad images', rollouts, 1, update), []);
  assert.ok(rollouts.pods.every(({ isReady }) => isReady));
});

for (const [row, harm] of [
  ['OOM kills of a worker', (worker: number) => void process.kill(worker, 'SIGKILL')],
  // The request is cut off with the worker. A worker that is stuck takes part in `stuck-workers.test.ts`.
  ...(isLong
    ? [['stuck loops', (_worker: number, url: string) => void askFor(`${url}/spin`).catch(() => undefined)] as const]
    : []),
] as const) {
  test(`KU-9 RL-62 ${row}: no more requests are lost than clients wait for the worker, and the pod serves on`, {
    timeout: 900_000,
  }, async () => {
    const rollouts = await shared();
    const harmed = async (): Promise<void> => {
      for (const { host, program } of rollouts.pods.slice(0, harmedPods)) {
        const [worker] = childrenOf(program.pid);
        harm(worker!, `http://${host}:${rollouts.port}`);
        assert.ok(await until(() => !isAlive(worker!)), program.output());
        assert.ok(await until(async () => (await askFor(`http://${host}:${rollouts.port}/`)).status === 200));
      }
    };
    const lost = await underLoad(row, rollouts, isLong ? 5 : 1, harmed);
    assert.ok(lost.length <= (isLong ? 5 : 1) * harmedPods * CLIENTS, describeLosses(lost));
  });
}

/** A server that closes gracefully: at once, or after it has served for six seconds and ended its connections, as Portico does. */
const fastifyMain = (drainsMs: number): string => `
import fastify from '${root}/node_modules/fastify/fastify.js';
const app = fastify();
let stops = false;
app.addHook('onSend', async (_request, reply) => {
  if (stops) reply.header('connection', 'close');
});
app.get('/', () => 'first ' + process.pid);
app.get('/slow', () => new Promise((settle) => setTimeout(() => settle('first ' + process.pid), 2000)));
process.once('SIGTERM', () => {
  stops = ${drainsMs > 0};
  setTimeout(() => app.close(), ${drainsMs});
});
await app.listen({ host: process.argv[2], port: Number(process.argv[3]) });
`;

for (const [how, preStopSeconds, drainsMs] of [
  ['that closes at once', 0, 0],
  ['with a preStop of 5 s', 5, 0],
  ['that drains by itself for 6 s', 0, 6000],
] as const) {
  test(`beside it: Fastify ${how}`, {
    skip: !isLong && 'only in the long run',
    timeout: 900_000,
  }, async (t) => {
    const port = await freePort();
    const project = emptyProject({ 'main.js': fastifyMain(drainsMs) });
    const httpGet = { path: '/', port };
    const template: PodTemplate = {
      env: {},
      startupProbe: { httpGet, periodSeconds: 1 },
      readinessProbe: { httpGet, periodSeconds: 5, timeoutSeconds: 2 },
      graceSeconds: 30,
      preStopSeconds,
    };
    const program = { folder: project.folder, words: (host: string) => ['main.js', host, String(port)] };
    const rollouts = await begun(t, new Rollouts(program, template, port));
    await underLoad(`rolling updates of Fastify ${how}`, rollouts, updates, () => rollouts.update());
  });
}
