/** Tests that the dashboard and the alert rules in paste/ use metrics that a service exposes, with labels that the metrics have. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { silentLogger } from '#internal/log';
import { COUNTED, isShippedMetric, type MetricKey, Totals } from '../../dist/counts/index.js';
import { metricsAnswer } from '../../dist/operating/control/metrics-text.js';
import { Rejections } from '../../dist/server/connections/refusal.js';
import { type Family, parseExposition } from '../fixtures/exposition.js';
import { root } from '../fixtures/project.js';

async function families(): Promise<ReadonlyMap<string, Family>> {
  return parseExposition(await exposition());
}

/** Returns all metrics that a service can expose. */
async function exposition(): Promise<string> {
  const totals = new Totals([1]);
  const series = (Object.keys(COUNTED) as MetricKey[]).map((metric) => ({
    metric,
    labels: COUNTED[metric].labels.map((label) => (label === 'status' ? '500' : label)),
    counts: COUNTED[metric].bounds === undefined ? [] : [1],
    sum: 1,
  }));
  totals.add('compute', { buckets: [1], series });
  const facts = {
    utilization: 0.5,
    lagMaxMs: 1,
    lagP99Ms: 1,
    cpuSeconds: 1,
    gcSeconds: { minor: 1 },
    rss: 1,
    heapUsed: 1,
    heapLimit: 1,
    inFlight: 1,
    queued: 0,
    connections: 1,
    connectionsIdle: 1,
    connectionsReceiving: 1,
    connectionsLingering: 1,
    connectionLimit: 0,
    callsRunning: 0,
    callsPending: 0,
    brokersLost: 0,
    periodic: [{ name: 'sync', spacing: 60, running: false, runs: 1, errors: 0 }],
  };
  const worker = {
    id: 0,
    pid: process.pid,
    state: 'ready',
    generation: 1,
    uptimeMs: 1,
    silentMs: 1,
    stack: undefined,
    facts,
  } as const;
  const service = { name: 'compute', addresses: [], wanted: 1, ready: 1, restarts: 0 };
  const controlled = {
    config: await Config.load({ files: [], argv: [], env: {}, overrides: { 'metrics.enabled': true } }),
    log: silentLogger(),
    status: () => ({
      services: [
        {
          ...service,
          starts: { death: 1 },
          lost: { stuck: 1 },
          certificateEnds: new Date().toISOString(),
          workers: [worker],
        },
      ],
      generation: 1,
      reloads: [],
      left: [],
    }),
    version: '1.0',
    reloaded: () => ({ refused: 1 }),
    runner: { counted: () => totals },
  };
  const registered = { up: async () => [{ binary: 'portico-compute', host: 'one', up: true }] };
  const { body } = await metricsAnswer(controlled as never, registered as never);
  let text = '';
  for await (const piece of body as AsyncIterable<string | Buffer>) text += String(piece);
  return text;
}

/** Returns the names of metrics, and the labels that expressions select or group by. */
function named(text: string): { readonly metrics: Set<string>; readonly labels: Set<string> } {
  const metrics = new Set(text.match(/\b(?:portico|process)_[a-z0-9_]+\b/g));
  const chosen = [...text.matchAll(/\{([^{}]*)\}/g)].flatMap(([, inner]) => inner!.match(/\w+(?==~?\\?")/g) ?? []);
  const summed = [...text.matchAll(/by \(([^)]*)\)/g)].flatMap(([, inner]) => inner!.split(/, */));
  const shown = [...text.matchAll(/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/g)].map(([, label]) => label!);
  return { metrics, labels: new Set([...chosen, ...summed, ...shown]) };
}

for (const file of ['grafana-dashboard.json', 'prometheus-rules.yml']) {
  test(`every metric and label that paste/${file} names is given out`, async () => {
    const given = await families();
    const samples = [...given.values()].flatMap((family) => family.samples);
    const names = new Set(samples.map(({ name }) => name));
    // Prometheus adds the first two.
    const labels = new Set(['job', 'instance', ...samples.flatMap((sample) => Object.keys(sample.labels))]);
    const found = named(readFileSync(join(root, 'paste', file), 'utf8'));
    assert.ok(found.metrics.size >= 10, [...found.metrics].join());
    assert.ok(found.labels.size >= 3);
    const unlisted = [...found.metrics].filter((name) => !names.has(name));
    assert.deepEqual(unlisted, []);
    const unlistedLabels = [...found.labels].filter((label) => !labels.has(label));
    assert.deepEqual(unlistedLabels, []);
  });
}

const noPromtool =
  spawnSync('promtool', ['--version']).error !== undefined && 'promtool of Prometheus is not installed';

test('Prometheus has no complaint about the metrics', { skip: noPromtool }, async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await exposition(),
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout + stderr], [0, '']);
});

test('a name of each metric is refused to applications', async () => {
  const names = [...(await families()).keys()];
  assert.deepEqual(
    names.filter((name) => !isShippedMetric(name)),
    [],
  );
});

test('every reason of a refused request is on the page of metrics', () => {
  const page = readFileSync(join(root, 'docs', 'operate', 'status.md'), 'utf8');
  const section = page.split('### Reasons of refused requests')[1]!.split('\n#')[0]!;
  const rows = [...section.matchAll(/^\| (`[^|]*) \|/gm)].slice(1);
  const told = rows.flatMap(([, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.deepEqual(told.sort(), [...new Rejections(silentLogger()).counts.keys()].sort());
});

test('the dashboard shows every metric that is given out', async () => {
  const found = named(readFileSync(join(root, 'paste', 'grafana-dashboard.json'), 'utf8'));
  const all = [...(await families()).keys()];
  assert.deepEqual(
    all.filter((name) => ![...found.metrics].some((shown) => shown.startsWith(name))),
    [],
  );
});
