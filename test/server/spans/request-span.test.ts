/** Request spans, made with the real OpenTelemetry SDK. */

import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { Server as HttpServer, type ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { context, createContextKey, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { type App, compose, contextFacts, environ, Fault, forwardHeaders, fromConnect } from 'portico/app';
import { proxyHeaders, requestId, requestLog } from 'portico/middleware';
import { Router } from 'portico/routing';
import { Server, type ServerOptions } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { Config } from '../../../dist/config/index.js';
import { Server as BuiltServer } from '../../../dist/server/index.js';
import { filterSpans } from '../../../dist/server/spans/request-span.js';
import { nodeServer } from '../../fixtures/node-server.js';
import { memoryLog } from '../memory-log.js';
import { Client, exchange, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** The key of @opentelemetry/core. */
const METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

let flushing = Promise.resolve();
/** The step in which the SDK fails. */
let broken: 'start' | 'end' | undefined;
const exporter = new InMemorySpanExporter();
const exported = new EventEmitter();
const processor = new (class extends SimpleSpanProcessor {
  override onStart(): void {
    if (broken === 'start') throw new Error('start fails');
  }

  override onEnd(span: ReadableSpan): void {
    if (broken === 'end') throw new Error('end fails');
    super.onEnd(span);
    exported.emit('span');
  }

  override forceFlush(): Promise<void> {
    exported.emit('flush');
    return flushing;
  }
})({ exporter });
const sdk = new NodeSDK({ spanProcessors: [processor], autoDetectResources: false });
sdk.start();

/** A server with an empty exporter. */
async function serving(t: TestContext, app: App, options: ServerOptions = {}): Promise<number> {
  exporter.reset();
  const server = await startedServer(t, 'traced', app, options);
  return portOf(server);
}

/** Settles with the spans of requests once this many have ended. */
async function spans(count: number): Promise<ReadableSpan[]> {
  const found = (): ReadableSpan[] => exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER);
  while (found().length < count) await once(exported, 'span');
  return found();
}

async function span(): Promise<ReadableSpan> {
  const [first] = await spans(1);
  return first!;
}

function get(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: api.example.org:8774\r\nconnection: close\r\n${more}\r\n`;
}

test('MW-48 a request has a server span with its route, status and what the conventions for HTTP ask for', async (t) => {
  const app = await new Router().connect('server', '/servers/{id}', { handler: ({ params }) => params.id }).build();
  const port = await serving(t, app);
  await exchange(port, get('/servers/7?token=hidden', 'user-agent: curl/8.0\r\n'));
  const { name, attributes, status, parentSpanContext } = await span();
  assert.equal(name, 'GET /servers/{id}');
  const { 'network.peer.port': peerPort, ...rest } = attributes;
  assert.equal(typeof peerPort, 'number');
  assert.deepEqual(rest, {
    'portico.api': 'traced',
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'http.route': '/servers/{id}',
    'url.path': '/servers/7',
    'url.scheme': 'http',
    'server.address': 'api.example.org',
    'server.port': 8774,
    'client.address': '127.0.0.1',
    'network.peer.address': '127.0.0.1',
    'network.protocol.version': '1.1',
    'user_agent.original': 'curl/8.0',
  });
  assert.equal(status.code, SpanStatusCode.UNSET);
  assert.equal(parentSpanContext, undefined);
});

test('MW-48 a request without a route, of an unknown method, has a span without either', async (t) => {
  const app = await new Router().connect('/servers', { handler: () => 'all' }).build();
  const port = await serving(t, app);
  await exchange(port, get('/nothing'));
  await exchange(port, get('/servers').replace('GET', 'PROPFIND'));
  const [missed, odd] = await spans(2);
  assert.equal(missed!.name, 'GET');
  assert.equal(missed!.attributes['http.route'], undefined);
  assert.equal(missed!.attributes['http.response.status_code'], 404);
  assert.equal(missed!.status.code, SpanStatusCode.UNSET);
  assert.match(odd!.name, /^HTTP\b/);
  assert.equal(odd!.attributes['http.request.method'], '_OTHER');
  assert.equal(odd!.attributes['http.request.method_original'], 'PROPFIND');
});

test('MW-48 the route of an app behind mounts is a template as a whole', async (t) => {
  const inner = await new Router().connect('/{name}', { handler: ({ params }) => params.name }).build();
  const middle = await new Router().mount('/files', inner).build();
  const app = await new Router().mount('/{project}/v2', middle).build();
  const port = await serving(t, app);
  await exchange(port, get('/secret-project/v2/files/a.txt'));
  assert.equal((await span()).name, 'GET /{project}/v2/files/{name}');
});

test('MW-48 what routers of other makes tell by the metadata of the span is the route', async (t) => {
  const port = await serving(t, (_req, res) => {
    (context.active().getValue(METADATA) as { route?: string }).route = '/users/:id';
    res.end();
  });
  await exchange(port, get('/users/1'));
  assert.equal((await span()).attributes['http.route'], '/users/:id');
});

test('MW-48 the span of an instrumentation of node:http is taken, not doubled, and gets the route', async (t) => {
  const app = await new Router().connect('server', '/servers/{id}', { handler: () => 'one' }).build();
  const port = await serving(t, app);
  const emit = HttpServer.prototype.emit as (event: string, ...args: unknown[]) => boolean;
  const given = trace.getTracer('http').startSpan('GET', { kind: SpanKind.SERVER });
  const metadata: { type: string; span: unknown; route?: string } = { type: 'http', span: given };
  const around = trace.setSpan(ROOT_CONTEXT, given).setValue(METADATA, metadata);
  // As @opentelemetry/instrumentation-http does.
  t.mock.method(HttpServer.prototype, 'emit', function (this: HttpServer, event: string, ...args: unknown[]) {
    const emitted = (): boolean => emit.call(this, event, ...args);
    return event === 'request' ? context.with(around, emitted) : emitted();
  });
  await exchange(port, get('/servers/1'));
  given.end();
  assert.equal(metadata.route, '/servers/{id}');
  assert.equal((await spans(1)).length, 1);
});

test('MW-48 traceparent and tracestate are taken up, and handed on with the span that is active', async (t) => {
  let sent: Record<string, string>[] = [];
  const port = await serving(t, async (req, res) => {
    await later(1);
    const outside = forwardHeaders(req);
    const inside = trace.getTracer('app').startActiveSpan('work', (work) => {
      const headers = forwardHeaders(req);
      work.end();
      return headers;
    });
    sent = [outside, inside];
    res.end();
  });
  await exchange(port, get('/', `traceparent: ${PARENT}\r\ntracestate: a=1\r\n`));
  const server = await span();
  const { traceId, spanId } = server.spanContext();
  assert.equal(traceId, TRACE_ID);
  assert.equal(server.parentSpanContext?.spanId, 'b7ad6b7169203331');
  assert.deepEqual(sent[0], { traceparent: `00-${TRACE_ID}-${spanId}-01`, tracestate: 'a=1' });
  const work = exporter.getFinishedSpans().find(({ name }) => name === 'work')!;
  assert.equal(work.parentSpanContext?.spanId, spanId);
  assert.equal(sent[1]?.traceparent, `00-${TRACE_ID}-${work.spanContext().spanId}-01`);
});

test('MW-48 a request of fetch has one traceparent where an instrumentation of undici adds it', async (t) => {
  const came: (string | undefined)[] = [];
  const { url } = await nodeServer(t, (req, res) => {
    came.push(req.rawHeaders.filter((_, at) => req.rawHeaders[at - 1] === 'traceparent').join());
    res.end();
  });
  // As `instrumentation-undici` does.
  const add = (message: unknown): void => {
    (message as { request: { addHeader(name: string, value: string): void } }).request.addHeader('traceparent', PARENT);
  };
  subscribe('undici:request:create', add);
  t.after(() => unsubscribe('undici:request:create', add));
  const port = await serving(t, async (req, res) => {
    await fetch(url, { headers: forwardHeaders(req) });
    res.end();
  });
  await exchange(port, get('/', `traceparent: ${PARENT}\r\n`));
  await span();
  assert.deepEqual(came, [PARENT]);
});

test('MW-48 a traceparent that is not valid begins a new trace', async (t) => {
  const port = await serving(t, (_req, res) => void res.end());
  await exchange(port, get('/', `traceparent: ${PARENT.replace('00-', 'ff-')}\r\n`));
  const server = await span();
  assert.notEqual(server.spanContext().traceId, TRACE_ID);
  assert.equal(server.parentSpanContext, undefined);
});

test('MW-48 an action that throws makes an error of the span, with the exception and without its passwords', async (t) => {
  const app = await new Router({ log: memoryLog() })
    .connect('/fail', {
      handler: () => {
        throw new TypeError('cannot connect to amqp://rabbit:hidden@broker/');
      },
    })
    .build();
  const port = await serving(t, app);
  await exchange(port, get('/fail'));
  const { status, attributes, events } = await span();
  assert.equal(status.code, SpanStatusCode.ERROR);
  assert.equal(attributes['http.response.status_code'], 500);
  assert.equal(attributes['error.type'], 'TypeError');
  assert.equal(events.length, 1);
  const [{ name, attributes: exception = {} }] = events as [ReadableSpan['events'][0]];
  assert.equal(name, 'exception');
  assert.equal(exception['exception.type'], 'TypeError');
  assert.equal(exception['exception.message'], 'cannot connect to amqp://rabbit:****@broker/');
  assert.match(String(exception['exception.stacktrace']), /request-span\.test/);
  assert.doesNotMatch(JSON.stringify(events), /hidden/);
});

test('MW-48 a fault below 500 is no error of the span, one from 500 on is', async (t) => {
  const port = await serving(t, (req) => {
    throw new Fault(req.url === '/busy' ? 503 : 404);
  });
  await exchange(port, get('/'));
  await exchange(port, get('/busy'));
  const [missed, busy] = await spans(2);
  assert.equal(missed!.status.code, SpanStatusCode.UNSET);
  assert.equal(missed!.events.length, 0);
  assert.equal(busy!.status.code, SpanStatusCode.ERROR);
  assert.equal(busy!.attributes['error.type'], '503');
});

test('MW-48 a response that is broken off is an error, one whose client left is none, and both spans end', async (t) => {
  const port = await serving(t, (req, res) => {
    if (req.url === '/broken') {
      res.write('begun');
      throw new Error('broken');
    }
  });
  await exchange(port, get('/broken'));
  const client = new Client(port);
  client.write(get('/left'));
  await once(client.socket, 'connect');
  setImmediate(() => client.close());
  const [broken, left] = await spans(2);
  assert.equal(broken!.status.code, SpanStatusCode.ERROR);
  assert.equal(broken!.attributes['http.response.status_code'], 200);
  assert.equal(broken!.events.length, 1);
  assert.equal(left!.status.code, SpanStatusCode.UNSET);
  assert.equal(left!.attributes['http.response.status_code'], undefined);
});

test('MW-48 requests of one connection, pipelined ones too, have a trace each', async (t) => {
  const active: (string | undefined)[] = [];
  const port = await serving(t, async (req, res) => {
    await later(req.url === '/1' ? 5 : 1);
    active.push(trace.getActiveSpan()?.spanContext().traceId);
    res.end(req.url);
  });
  const one = get('/1').replace('connection: close\r\n', '');
  await exchange(port, one + one.replace('/1', '/2') + get('/3'));
  const ids = (await spans(3)).map((each) => each.spanContext().traceId);
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(active.toSorted(), ids.toSorted());
});

test('MW-48 client and server are those that a trusted proxy tells', async (t) => {
  const { made } = await buildFilter(proxyHeaders, { local: { trusted_proxies: '127.0.0.1' } });
  const port = await serving(
    t,
    compose([made], (_req, res) => void res.end()),
  );
  const proxied = 'x-forwarded-for: 192.0.2.7\r\nx-forwarded-proto: https\r\nx-forwarded-host: [2001:db8::1]:443\r\n';
  await exchange(port, get('/', proxied));
  const { attributes } = await span();
  assert.equal(attributes['client.address'], '192.0.2.7');
  assert.equal(attributes['url.scheme'], 'https');
  assert.equal(attributes['server.address'], '2001:db8::1');
  assert.equal(attributes['server.port'], 443);
  assert.equal(attributes['network.peer.address'], '127.0.0.1');
});

test('MW-48 the lines of a request have the ids of the span that is active', async (t) => {
  const log = memoryLog();
  const { made } = await buildFilter(requestLog, { log });
  let facts: Record<string, unknown>[] = [];
  const app: App = async (req, res) => {
    await later(1);
    const outside = contextFacts();
    const inside = trace.getTracer('app').startActiveSpan('work', (work) => {
      work.end();
      return contextFacts();
    });
    facts = [outside, inside];
    if (environ(req).originalUrl === '/fail') throw new Error('x');
    res.end();
  };
  const port = await serving(t, compose([made], app), { log });
  await exchange(port, get('/fail'));
  const { traceId, spanId } = (await span()).spanContext();
  const ids = { trace_id: traceId, span_id: spanId, trace_flags: '01' };
  const of = ({ trace_id, span_id, trace_flags }: Record<string, unknown>) => ({ trace_id, span_id, trace_flags });
  assert.deepEqual(of(facts[0]!), ids);
  assert.equal(facts[1]!.trace_id, traceId);
  assert.notEqual(facts[1]!.span_id, spanId);
  const lines = log.lines.filter(({ message }) => message === 'request' || message === 'request failed');
  assert.equal(lines.length, 2);
  for (const { fields } of lines) assert.deepEqual(of(fields), ids);
});

test('MW-48 Connect middleware sees the active span, and a request id stays what it was', async (t) => {
  const ids = await buildFilter(requestId);
  let seen: string | undefined;
  const middleware = fromConnect((_req: never, _res: never, next: () => void) => {
    seen = trace.getActiveSpan()?.spanContext().spanId;
    next();
  });
  const port = await serving(
    t,
    compose([ids.made, middleware], (_req, res) => void res.end()),
  );
  const answer = await exchange(port, get('/'));
  assert.match(answer, /x-request-id: req-/i);
  assert.equal(seen, (await span()).spanContext().spanId);
});

test('MW-48 what is thrown may be anything: the request gets a response, and its span an error', async (t) => {
  const odd = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('a getter that fails');
    },
  });
  const port = await serving(t, () => {
    throw odd;
  });
  assert.match(await exchange(port, get('/')), /^HTTP\/1.1 500/);
  assert.equal((await span()).status.code, SpanStatusCode.ERROR);
});

for (const where of ['start', 'end'] as const) {
  test(`MW-48 an SDK that throws at the ${where} of a span fails no request, and is reported once`, async (t) => {
    const log = memoryLog();
    const port = await serving(t, (req, res) => void res.end(JSON.stringify(forwardHeaders(req))), { log });
    broken = where;
    t.after(() => {
      broken = undefined;
    });
    for (let count = 0; count < 2; count++) {
      const answer = await exchange(port, get('/', `traceparent: ${PARENT}\r\n`));
      assert.match(answer, new RegExp(`^HTTP/1.1 200 .*"traceparent":"00-${TRACE_ID}-`, 's'));
    }
    const told = log.lines.filter(({ level }) => level === 'warn' || level === 'error');
    assert.deepEqual(
      told.map(({ message, fields }) => [message, (fields.err as Error).message]),
      [['The OpenTelemetry SDK has thrown: spans are missing', `${where} fails`]],
    );
  });
}

test('MW-48 a stop tells why the last spans were not exported', async (t) => {
  const log = memoryLog();
  const server = new Server('failing', (_req, res) => void res.end(), { log });
  await server.start();
  flushing = Promise.reject(new Error('the collector is away'));
  flushing.catch(() => undefined);
  t.after(() => {
    flushing = Promise.resolve();
  });
  await server.stop({ graceful: true });
  const [told] = log.lines.filter(({ level }) => level === 'warn');
  assert.equal((told!.fields.err as Error).message, 'the collector is away');
});

test('MW-48 a stop with a deadline does not wait longer than that for an export that hangs', async (t) => {
  const server = new Server('hanging', (_req, res) => void res.end());
  await server.start();
  t.after(() => {
    flushing = Promise.resolve();
  });
  let end = (): void => undefined;
  flushing = new Promise((resolve) => {
    end = resolve;
  });
  const flushed = once(exported, 'flush');
  const over = new AbortController();
  const stopped = server.stop({ graceful: true, signal: over.signal });
  await flushed;
  over.abort();
  await stopped;
  end();
});

test('DO-1 the span of the application ends with its response, whatever the application returns', async (t) => {
  const config = Config.fromText('[trace]\nfilters = true\n');
  const ended: string[][] = [];
  const answerLater = (res: ServerResponse) =>
    setImmediate(() => {
      ended.push(exporter.getFinishedSpans().map(({ name }) => name));
      res.end();
    });
  const apps: readonly App[] = [(_req, res) => void answerLater(res), async (_req, res) => void answerLater(res)];
  for (const app of apps) {
    exporter.reset();
    const [around] = filterSpans(config)!({ name: 'api' }, []);
    const server = new BuiltServer('traced', around!(app));
    await server.start();
    t.after(() => server.stop());
    await exchange(portOf(server), get('/'));
    await spans(1);
  }
  assert.deepEqual(ended, [[], []]);
  assert.equal(exporter.getFinishedSpans()[0]!.name, 'application');
});
