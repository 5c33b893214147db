/** The metrics of remote calls in a running application, and their spans made with the real OpenTelemetry SDK. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { parseExposition, sumOf } from '../fixtures/exposition.js';
import { until } from '../fixtures/until.js';
import { brokerTest, deleteTopic } from '../rpc/transport/amqp/broker.js';
import { BrokerProxy } from '../rpc/transport/amqp/broker-proxy.js';
import { ask } from './clients.js';
import { emptyProject, freePort, Program, root, untilEnd } from './program.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

const managers = `
import { createRequire } from 'node:module';
import { Fault, RequestContext } from 'portico/app';
const { cache } = createRequire(import.meta.url);
class Late extends Error {}
export class Images {
  #log;
  constructor({ log }) { this.#log = log; }
  size(_, { id }) {
    this.#log.info('measured');
    if (id === 'gone') throw new Fault(404);
    if (id === 'away') throw new Fault(503);
    if (id === 'late') throw new Late('not yet');
    if (id === '') throw new Error('no such image');
    return { length: id.length, loaded: Object.keys(cache).some((path) => path.includes('@opentelemetry')) };
  }
}
let images;
export class Front {
  constructor({ rpc }) { images = rpc.client({ topic: 'images' }); }
}
/** Calls by its own client and, for what begins with an m, by that of the manager. */
export const app = async (_globalConf, _localConf, { rpc }) => {
  const own = (await rpc()).client({ topic: 'images', allowedErrors: [Fault, Late] });
  return (req, res) => answer(req, res, req.url.startsWith('/m') ? images : own);
};
async function answer(req, res, client) {
  const id = req.url.slice(1);
  try {
    const found = await client.call(new RequestContext({ requestId: 'req-1' }), 'size', { id });
    res.end(JSON.stringify(found));
  } catch (error) {
    res.end(error.message);
  }
}
`;

const main = `
import { Config, createLogger, WSGIService } from 'portico';
import { contextFacts } from 'portico/app';
import { ServiceLauncher } from 'portico/launch';
import { RPCService } from 'portico/rpc';
const config = await Config.load({ files: ['portico.ini'], argv: [], env: {} });
const log = createLogger({ format: 'json', facts: contextFacts });
const launcher = new ServiceLauncher({ config, log });
await launcher.launchService(RPCService.create({ binary: 'portico-images', config, log }));
await launcher.launchService(new WSGIService('front', config, { log }));
process.exitCode = await launcher.wait();
`;

/** Writes each span when it ends. */
const tracing = `
import { appendFileSync } from 'node:fs';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
const exporter = {
  export(spans, done) {
    for (const span of spans) {
      const { name, kind, attributes, status, parentSpanContext } = span;
      const { traceId, spanId } = span.spanContext();
      appendFileSync('spans.jsonl', JSON.stringify({ name, kind, attributes, status, traceId, spanId, parent: parentSpanContext?.spanId }) + '\\n');
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};
new NodeSDK({ spanProcessors: [new SimpleSpanProcessor({ exporter })], autoDetectResources: false }).start();
`;

interface Readiness {
  readonly name: string;
  readonly state: string;
  readonly reasons: readonly string[];
}

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: number };
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | undefined;
}

async function started(t: TestContext, { node = [] as readonly string[], transport = 'memory://' } = {}) {
  const port = await freePort();
  const { folder } = emptyProject({
    'managers.js': managers,
    'main.js': main,
    'tracing.js': tracing,
    'api-paste.ini': '[app:front]\npaste.app_factory = ./managers.js:app\n',
    'portico.ini': `[DEFAULT]\nimages_manager = ./managers.js:Images\n[api:front]\nport = ${port}\nmanager = ./managers.js:Front\n[admin]\nlisten = 127.0.0.1:0\n[metrics]\nenabled = true\n[control]\nsocket = ./control.sock\n[rpc]\ntransport_url = ${transport}\n`,
  });
  symlinkSync(join(root, 'node_modules', '@opentelemetry'), join(folder, 'node_modules', '@opentelemetry'), 'dir');
  const program = untilEnd(t, new Program(process.execPath, [...node, 'main.js'], { cwd: folder }));
  await program.printed(/front listening/);
  const admin = await program.adminPort();
  return {
    program,
    folder,
    ready: async () => {
      const { status, text } = await ask(`http://127.0.0.1:${admin}/readyz`);
      return { status, services: (JSON.parse(text) as { services: readonly Readiness[] }).services };
    },
    get: async (path: string, headers: Record<string, string> = {}): Promise<string> =>
      (await ask(`http://127.0.0.1:${port}${path}`, { headers })).text,
    scrape: async () => parseExposition((await ask(`http://127.0.0.1:${admin}/metrics`)).text),
    spans: (): readonly Span[] =>
      readFileSync(join(folder, 'spans.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Span),
  };
}

test('RP-93 calls are counted where they are made and where they are served; nothing of OpenTelemetry is loaded without an SDK', async (t) => {
  const { get, scrape } = await started(t);
  for (const path of ['/a', '/m']) assert.deepEqual(JSON.parse(await get(path)), { length: 1, loaded: false });
  await get('/');
  const found = await scrape();
  const labels = { kind: 'call', topic: 'images', method: 'size' };
  const count = (side: string, more: Record<string, string>): number =>
    sumOf(found, `portico_rpc_${side}_duration_seconds_count`, { ...labels, ...more });
  assert.deepEqual(
    [
      count('client', { api: 'front', outcome: 'ok' }),
      count('client', { api: 'front', outcome: 'remote_error' }),
      count('server', { api: 'portico-images', outcome: 'ok' }),
      count('server', { api: 'portico-images', outcome: 'failed' }),
    ],
    [2, 1, 2, 1],
  );
  for (const name of ['portico_rpc_calls_running', 'portico_rpc_calls_pending']) {
    assert.equal(found.get(name)?.type, 'gauge', name);
  }
});

test('RP-96 RP-20 a call has a span within that of its request, and its method one within that; what is allowed does not mark them as failed', async (t) => {
  const { get, spans, program } = await started(t, { node: ['--import', './tracing.js'] });
  await get('/abc', { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` });
  await get('/');
  for (const path of ['/gone', '/away', '/late']) await get(path);
  program.kill('SIGTERM');
  await program.ended;
  const all = spans().filter(({ traceId }) => traceId === TRACE_ID);
  const byKind = new Map(all.map((span) => [span.kind, span]));
  const [server, client] = [1, 2].map((kind) => all.find((span) => span.kind === kind && span.name === 'images/size'));
  const request = all.find(({ parent }) => parent === 'b7ad6b7169203331');
  assert.equal(byKind.size, 2, JSON.stringify(all));
  assert.deepEqual([client?.parent, server?.parent], [request!.spanId, client!.spanId]);
  assert.deepEqual(server!.attributes, { 'rpc.system': 'portico', 'rpc.service': 'images', 'rpc.method': 'size' });
  const line = program.stderr.split('\n').find((each) => each.includes('"measured"') && each.includes(TRACE_ID))!;
  assert.equal((JSON.parse(line) as { span_id: string }).span_id, server!.spanId);
  const sizes = spans().filter(({ name }) => name === 'images/size');
  const codes = (of: number): number[] => sizes.flatMap(({ kind, status }) => (kind === of ? status.code : []));
  // A method that throws an undeclared error has failed, though its caller allows the error; a fault below 500 is no failure.
  assert.deepEqual({ server: codes(1), client: codes(2) }, { server: [0, 2, 0, 2, 2], client: [0, 2, 0, 2, 0] });
  for (const { attributes, status } of sizes)
    assert.equal(typeof attributes['error.type'], status.code === 2 ? 'string' : 'undefined');
});

brokerTest(
  'RP-80 a lost connection to the broker is reported by /readyz and status, of the services that have it; they serve on',
  async (t) => {
    const exchange = `health-${randomUUID().slice(0, 8)}`;
    const proxy = await BrokerProxy.open();
    t.after(async () => {
      await proxy.close();
      await deleteTopic(exchange, 'images', [hostname()]);
    });
    const { get, ready, folder } = await started(t, {
      transport: `${proxy.url}?exchange=${exchange}&retry_interval=0.1`,
    });
    for (const path of ['/abc', '/mno']) assert.match(await get(path), /"length":3/);
    const fine = await ready();
    const reasons = fine.services.map(({ reasons }) => reasons);
    assert.deepEqual(reasons, [[], []]);
    await proxy.close();
    const { status, services } = await until(ready, (now) => now.services.every(({ reasons }) => reasons.length > 0));
    assert.equal(status, 200);
    for (const { name, state, reasons } of services) {
      assert.equal(state, 'ready', name);
      assert.match(reasons.join(), /^remote calls: the connection to amqp:\/\/guest:\*{4}@127\.0\.0\.1:\d+\/ is lost$/);
    }
    const { stdout } = await commandBeside(['status'], { cwd: folder });
    assert.equal(
      stdout.match(/^(portico-images|front): remote calls: the connection to .* is lost$/gm)?.length,
      2,
      stdout,
    );
  },
);
