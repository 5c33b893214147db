import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { App, ClosableApp } from 'portico/app';
import { action, type JsonSchema, Router, type RouterOptions } from 'portico/routing';
import type { Logger } from '../../dist/log/log.js';
import { nodeServer } from '../fixtures/node-server.js';
import { type LogLine, memoryLog } from '../server/memory-log.js';

/** A complete response. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface Sent {
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer | undefined;
}

/** Sends a request to the served app. */
export interface Send {
  (method: string, path: string, sent?: Sent): Promise<Answer>;
  readonly port: number;
}

/** Serves an app on a free port until the test ends. The path is sent unchanged. */
export async function serveApp(t: TestContext, app: App): Promise<Send> {
  const { port } = await nodeServer(t, app);
  const send = (method: string, path: string, sent: Sent = {}): Promise<Answer> => exchange(port, method, path, sent);
  return Object.assign(send, { port });
}

/** Its actions run in Fastify, with a plugin that does nothing. */
class RouterWithPlugin extends Router {
  constructor(options: RouterOptions = {}) {
    super({ ...options, plugins: [...(options.plugins ?? []), async () => undefined] });
  }
}

/** Runs a test with both ways to run actions, whose behavior is the same: without plugins, and in Fastify. */
export function testBoth(name: string, run: (t: TestContext, made: typeof Router) => Promise<void>): void {
  test(name, (t) => run(t, Router));
  test(`${name}, with a plugin`, (t) => run(t, RouterWithPlugin));
}

/** Builds a router and serves it. */
export async function serveRouter(t: TestContext, router: Router): Promise<Send> {
  const app: ClosableApp = await router.build();
  t.after(() => app.close());
  return serveApp(t, app);
}

/** Returns a router that validates bodies: POST /0 by the first schema, and so on. */
export function checking(...schemas: JsonSchema[]): Router {
  const router = new Router();
  for (const [place, body] of schemas.entries()) {
    const controller = { check: action({ body }, () => 'ok') };
    router.connect(`/${place}`, { controller, action: 'check', conditions: { method: ['POST'] } });
  }
  return router;
}

async function exchange(port: number, method: string, path: string, { headers = {}, body }: Sent): Promise<Answer> {
  const given = body === undefined ? headers : { 'content-length': String(Buffer.byteLength(body)), ...headers };
  const sent = httpRequest({ port, host: '127.0.0.1', method, path, headers: given, agent: false });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: answer.statusCode!, headers: answer.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns a logger that records its lines. */
export const keepingLogger = (): Logger & { readonly lines: LogLine[] } => memoryLog();
