/** A client of one app for several requests: over one server, with cookies, streams, events and signals. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as send } from 'node:http';
import type { App } from '../app/index.js';
import { checkOptions } from './check-options.js';
import { collect, INPUT_NAMES, type RequestInput, sendBody, serve, type TestResponse } from './request.js';

/** Options of {@link openClient}. */
export interface ClientOptions {
  /** Keep the cookies of responses, and send them with later requests. Default true. */
  readonly cookies?: boolean;
}

/** One server-sent event. */
export interface TestEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** A response whose headers have come; its body comes as it is sent. */
export interface StreamedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its chunks. Leaving the loop disconnects. */
  readonly body: AsyncIterable<Buffer>;
  /** Its server-sent events, in place of `body`. Leaving the loop disconnects. */
  events(): AsyncIterable<TestEvent>;
}

/** A client of one app. */
export interface TestClient {
  /** Sends a request, and returns the whole response. */
  request(method: string, path: string, input?: RequestInput): Promise<TestResponse>;
  /** Sends a request, and returns the response when its headers have come. */
  stream(method: string, path: string, input?: RequestInput): Promise<StreamedResponse>;
  /** The cookies that it keeps, by name. */
  readonly cookies: Map<string, string>;
  /** Disconnects, and waits for the end of all responses. */
  close(): Promise<void>;
}

/** Serves the app on a separate port until `close`. */
export async function openClient(app: App, options: ClientOptions = {}): Promise<TestClient> {
  checkOptions('openClient', options, { cookies: true }, 'Write openClient(app, { cookies: false }).');
  const served = await serve(app);
  const cookies = new Map<string, string>();

  const open = (
    method: string,
    path: string,
    { signal, headers = {}, ...input }: RequestInput,
  ): Promise<{ readonly incoming: IncomingMessage; readonly port: number | undefined }> => {
    checkOptions('a request', { ...input }, INPUT_NAMES, 'Write a body as { body: … }, or as { json: … }.');
    return new Promise((resolve, reject) => {
      const kept = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const outgoing = send({
        host: '127.0.0.1',
        port: served.port,
        method,
        path,
        agent: false,
        ...(signal !== undefined && { signal }),
      });
      for (const [name, value] of Object.entries({ ...(kept !== '' && { cookie: kept }), ...headers })) {
        if (value !== undefined) outgoing.setHeader(name, value);
      }
      outgoing.on('response', (incoming) => {
        if (options.cookies !== false) keepCookies(cookies, incoming.headers['set-cookie']);
        resolve({ incoming, port: outgoing.socket?.localPort });
      });
      outgoing.on('error', reject);
      sendBody(outgoing, input).catch(reject);
    });
  };

  return {
    cookies,
    async request(method, path, input = {}) {
      const { incoming, port } = await open(method, path, input);
      const [response, error] = await Promise.all([collect(incoming), served.failureFrom(port)]);
      return error === undefined ? response : { ...response, error };
    },
    async stream(method, path, input = {}) {
      const { incoming } = await open(method, path, input);
      return {
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: incoming as AsyncIterable<Buffer>,
        events: () => eventsOf(incoming),
      };
    },
    close: () => served.close(),
  };
}

function keepCookies(cookies: Map<string, string>, set: readonly string[] = []): void {
  for (const text of set) {
    const [, name, value] = /^\s*([^=;]+)=([^;]*)/.exec(text) ?? [];
    if (name === undefined) continue;
    const [, age] = /;\s*max-age=(-?\d+)/i.exec(text) ?? [];
    const [, expires] = /;\s*expires=([^;]+)/i.exec(text) ?? [];
    const isOver = age === undefined ? Date.parse(expires ?? '') <= Date.now() : Number(age) <= 0;
    if (isOver) cookies.delete(name);
    else cookies.set(name, value!);
  }
}

/** Reads events as the HTML standard does (§9.2.6): comments and unknown fields are dropped. */
async function* eventsOf(incoming: AsyncIterable<Buffer>): AsyncGenerator<TestEvent, void, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of incoming) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split(/\r\n\r\n|\n\n|\r\r/);
    text = blocks.pop()!;
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== undefined) yield event;
    }
  }
}

function eventOf(block: string): TestEvent | undefined {
  const data: string[] = [];
  let event = 'message';
  let id: string | undefined;
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, field, value = ''] = /^(\w+)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id') id = value;
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n'), id };
}
