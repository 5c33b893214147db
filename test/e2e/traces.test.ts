/** Traces of a running service, made with the real OpenTelemetry SDK, which the application loads with --import. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask } from './clients.js';
import { apiCli, emptyProject, freePort, Program, root } from './program.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${TRACE_ID}-b7ad6b7169203331-01`;

/** Exports only at the shutdown, slowly. */
const tracing = `
import { appendFileSync } from 'node:fs';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';

const line = (span) => {
  const { name, kind, attributes, status, parentSpanContext, instrumentationScope: scope } = span;
  const ids = span.spanContext();
  const instance = span.resource.attributes['service.instance.id'];
  return JSON.stringify({ name, kind, attributes, status, ids, parent: parentSpanContext?.spanId, pid: process.pid, scope, instance }) + '\\n';
};
const exporter = {
  export(spans, done) {
    setTimeout(() => {
      appendFileSync('spans.jsonl', spans.map(line).join(''));
      done({ code: 0 });
    }, 100);
  },
  shutdown: async () => {},
};
const processor = new BatchSpanProcessor({ exporter, scheduledDelayMillis: 600_000 });
const sdk = new NodeSDK({ spanProcessors: [processor] });
sdk.start();
`;

/** As `@opentelemetry/auto-instrumentations-node/register` does. */
const registered = `
${tracing}
const shutdown = () => sdk.shutdown();
process.on('SIGTERM', shutdown);
process.once('beforeExit', shutdown);
`;

/** As the examples of OpenTelemetry do. */
const exiting = `
${tracing}
process.on('SIGTERM', () => sdk.shutdown().finally(() => process.exit(0)));
`;

const app = `
import { createRequire } from 'node:module';
import { Router } from 'portico/routing';

const { cache } = createRequire(import.meta.url);
/** Answers some time after a stop has begun. */
const slow = () => new Promise((resolve) => {
  process.once('SIGTERM', () => setTimeout(resolve, 300, 'slow'));
  console.error('slow is under way');
});
const handler = ({ params }) => params.id === 'slow' ? slow() : params.id === 'bad' ? Promise.reject(new Error('bad')) : ({ pid: process.pid, loaded: Object.keys(cache).some((path) => path.includes('@opentelemetry')) });
export const servers = (globalConf, localConf, ctx) => new Router().connect('server', '/servers/{id}', { handler }).build();
export const logging = (globalConf, localConf, ctx) => (app) => async (req, res) => {
  ctx.log.info('a line of the request');
  await app(req, res);
};
`;

/** Serves without workers, in the main process. */
const inProcess = `
import { Config, createLogger, WSGIService } from 'portico';
import { ServiceLauncher } from 'portico/launch';
const config = await Config.load({ files: ['portico.ini'], argv: [], env: {} });
const log = createLogger({ format: 'json' });
const launcher = new ServiceLauncher({ config, log });
await launcher.launchService(new WSGIService('shop', config, { log }));
process.exitCode = await launcher.wait();
`;

/** The same, with a service that shuts the SDK down in its `stop`. */
const shutsDown = inProcess.replace(
  'process.exitCode',
  `const { trace } = await import('@opentelemetry/api');
const stop = () => trace.getTracerProvider().getDelegate().shutdown();
const nothing = async () => {};
await launcher.launchService({ start: nothing, stop, wait: nothing, reset: nothing });
process.exitCode`,
);

const paste = `
[composite:api]
use = egg:Paste#urlmap
/v2 = servers

[pipeline:servers]
pipeline = request_id request_log logging servers_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog

[filter:logging]
paste.filter_factory = ./app.js:logging

[app:servers_app]
paste.app_factory = ./app.js:servers
`;

interface Traced {
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: number };
  readonly ids: { readonly traceId: string; readonly spanId: string };
  readonly parent: string | undefined;
  readonly pid: number;
  readonly scope: { readonly name: string; readonly version?: string };
  readonly instance?: string;
}

interface Line {
  readonly msg: string;
  readonly [fact: string]: unknown;
}

async function served(
  t: TestContext,
  { node = [] as readonly string[], env = {}, workers = 1, more = '', program: main = apiCli } = {},
) {
  const port = await freePort();
  const { folder } = emptyProject({
    'app.js': app,
    'main.js': inProcess,
    'shuts-down.js': shutsDown,
    'tracing.js': tracing,
    'registered.js': registered,
    'exiting.js': exiting,
    'api-paste.ini': paste,
    'portico.ini': `[DEFAULT]\nenabled_apis = shop\n[api:shop]\npipeline = api\nport = ${port}\nworkers = ${workers}\n${more}`,
  });
  symlinkSync(join(root, 'node_modules', '@opentelemetry'), join(folder, 'node_modules', '@opentelemetry'), 'dir');
  const program = new Program(process.execPath, [...node, main], { cwd: folder, env });
  t.after(async () => {
    await program.end();
  });
  await program.printed(/"event":"ready"/);
  const get = async (id = '1'): Promise<{ pid: number; loaded: boolean }> => {
    const { text } = await ask(`http://127.0.0.1:${port}/v2/servers/${id}`, { headers: { traceparent } });
    return JSON.parse(text) as { pid: number; loaded: boolean };
  };
  const stopped = async (): Promise<readonly Traced[]> => {
    await program.stop();
    const file = join(folder, 'spans.jsonl');
    return existsSync(file) ? linesOf<Traced>(readFileSync(file, 'utf8')) : [];
  };
  const logged = (): readonly Line[] =>
    linesOf<Line>(program.stderr).filter(({ msg }) => msg === 'request' || msg === 'a line of the request');
  return { program, get, stopped, logged };
}

function linesOf<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);
}

test('MW-48 workers get the SDK that --import loads, each as an instance of the service, and their last spans are exported before they end', async (t) => {
  const { get, stopped, logged } = await served(t, {
    node: ['--import', './tracing.js'],
    env: { OTEL_NODE_RESOURCE_DETECTORS: 'env,serviceinstance' },
    workers: 2,
  });
  const pids = new Set<number>();
  let asked = 0;
  for (; pids.size < 2; asked++) pids.add((await get()).pid);
  const spans = await stopped();
  assert.equal(spans.length, asked);
  for (const { name, pid, ids, parent, attributes, scope } of spans) {
    assert.deepEqual([name, ids.traceId, parent], ['GET /v2/servers/{id}', TRACE_ID, 'b7ad6b7169203331']);
    assert.ok(pids.has(pid));
    assert.deepEqual(scope, { name: 'portico', version });
    assert.equal(attributes['portico.api'], 'shop');
    const lines = logged().filter(({ span_id }) => span_id === ids.spanId);
    assert.equal(lines.length, 2);
    for (const line of lines) {
      assert.deepEqual([line.trace_id, line.trace_flags, line.service], [TRACE_ID, '01', 'shop']);
      assert.ok(line.workerId === 0 || line.workerId === 1);
      assert.equal(attributes['portico.worker'], line.workerId);
      assert.match(String(line.request_id), /^req-/);
      assert.equal(attributes['portico.request_id'], line.request_id);
    }
  }
  assert.equal(logged().length, 2 * asked);
  const instances = new Map(spans.map(({ pid, instance }) => [pid, instance]));
  assert.equal(new Set(instances.values()).size, 2);
  for (const id of instances.values()) assert.match(id ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
});

for (const [what, module, where, main] of [
  ['the SDK', './registered.js', 'one process', 'main.js'],
  ['the SDK and ends the process', './exiting.js', 'a worker', apiCli],
] as const) {
  test(`MW-48 a listener to SIGTERM that shuts down ${what} loses no span of ${where}: not before the drain is over`, async (t) => {
    const { program, get, stopped } = await served(t, {
      env: { NODE_OPTIONS: `--import ${module}` },
      program: main,
    });
    const answer = get('slow');
    await program.printed(/slow is under way/);
    const spans = await stopped();
    assert.equal(await answer, 'slow');
    assert.deepEqual(
      spans.map(({ name, attributes }) => [name, attributes['http.response.status_code']]),
      [['GET /v2/servers/{id}', 200]],
    );
    assert.doesNotMatch(program.stderr, /"level":"(warn|error)"/);
  });
}

test('MW-48 a service that shuts the SDK down in its stop is not held up', async (t) => {
  const { program, get, stopped } = await served(t, {
    env: { NODE_OPTIONS: '--import ./registered.js' },
    program: 'shuts-down.js',
    more: '[DEFAULT]\ngraceful_shutdown_timeout = 5\n',
  });
  await get();
  // `stopped` expects status 0, which a stop that timed out does not have.
  assert.equal((await stopped()).length, 1);
  assert.doesNotMatch(program.stderr, /timeout exceeded/);
});

test('MW-48 [trace] filters makes a span of each filter within that of the one around it', async (t) => {
  const { get, stopped } = await served(t, {
    env: { NODE_OPTIONS: '--import ./tracing.js' },
    more: '[trace]\nfilters = true\n[metrics]\nenabled = true\nfilters = true\n',
  });
  await get();
  await get('bad');
  const spans = await stopped();
  assert.deepEqual(spans.flatMap(({ status, name }) => (status.code === 2 ? name : [])).toSorted(), [
    'GET /v2/servers/{id}',
    'application',
    'logging',
    'request_id',
    'request_log',
  ]);
  const server = spans.find(({ kind }) => kind === 1);
  assert.equal(server?.name, 'GET /v2/servers/{id}');
  const chain: string[] = [];
  for (
    let at: Traced | undefined = server;
    at !== undefined;
    at = spans.find(({ parent }) => parent === at!.ids.spanId)
  )
    chain.push(at.name);
  assert.deepEqual(chain, ['GET /v2/servers/{id}', 'request_id', 'request_log', 'logging', 'application']);
  const { attributes } = spans.find(({ name }) => name === 'logging')!;
  assert.deepEqual(attributes, { 'portico.pipeline': 'servers', 'portico.filter': 'logging' });
});

test('MW-48 without an SDK nothing of OpenTelemetry is loaded, and lines have the trace that the caller names', async (t) => {
  const { get, stopped, logged } = await served(t, { more: '[trace]\nfilters = true\n' });
  assert.equal((await get()).loaded, false);
  assert.deepEqual(await stopped(), []);
  assert.deepEqual(
    logged().map(({ trace_id, span_id, service, workerId }) => [trace_id, span_id, service, workerId]),
    [
      [TRACE_ID, undefined, 'shop', 0],
      [TRACE_ID, undefined, 'shop', 0],
    ],
  );
});
