/** Serves the sample APIs on a port of this process, composed by the shipped paste file, and sends requests to them. */

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { App } from 'portico/app';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { nodeServer } from '../fixtures/node-server.js';
import { samplePaste } from '../fixtures/sample.js';

export const PASTE = fileURLToPath(new URL('../../paste/api-paste.ini', import.meta.url));
/** The module of the sample, as a configuration names it. */
export const SAMPLE = fileURLToPath(new URL('../../examples/compute/dist/bundle.js', import.meta.url));
export const SECRET = 'a secret of the proxy';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests read responses of every shape
  readonly json: any;
}

export interface Asked {
  readonly token?: string | null;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string unchanged. */
  readonly body?: unknown;
}

export interface SampleApi {
  readonly port: number;
  readonly url: string;
  /** Sends a request, as administrator unless `asked` has a token: `compute('GET /v2.1/flavors', { version: '2.79' })`. */
  readonly compute: (line: string, asked?: Asked) => Promise<Answer>;
}

/** Returns the configuration of `portico.ini` with a store in `folder`. */
export function sampleConfig(folder: string, sample = 'transition_ms = 0', more = ''): Config {
  return Config.fromText(`[DEFAULT]
state_path = ${folder}
fault_style = openstack
[api]
auth_strategy = noauth
[api:metadata]
proxy_secret = ${SECRET}
[sample]
${sample}
${more}`);
}

/** Writes the shipped paste file into a directory, with `auth_token context` instead of noauth. Returns its path. */
export function pasteWithTokens(folder: string): string {
  const paste = join(folder, 'api-paste.ini');
  const pipelines = samplePaste().replace(' noauth compute_app', ' auth_token context compute_app');
  const filters = `
[filter:auth_token]
paste.filter_factory = portico/middleware:authToken
[filter:context]
paste.filter_factory = portico/middleware:context
`;
  writeFileSync(paste, pipelines + filters);
  return paste;
}

/** Loads an app of a paste file and closes it after the test. */
export async function load(t: TestContext, name: string, config: Config, paste = PASTE): Promise<App> {
  return closedAfter(t, await new Loader(paste, { config }).loadApp(name));
}

/** Serves an app on a free port of the loopback address. */
export async function serve(t: TestContext, app: App): Promise<number> {
  return (await nodeServer(t, app)).port;
}

/** Serves the compute API with a separate store. */
export async function startCompute(t: TestContext, config = sampleConfig(temporaryFolder())): Promise<SampleApi> {
  const port = await serve(t, await load(t, 'compute', config));
  return { port, url: `http://127.0.0.1:${port}`, compute: (line, asked) => ask(port, line, asked) };
}

/** Sends one request; `line` is the method and the request target. */
export async function ask(port: number, line: string, asked: Asked = {}): Promise<Answer> {
  const { token = 'admin:admin', version, headers = {}, body } = asked;
  const [method = 'GET', path = '/'] = line.split(' ');
  const sent = body === undefined || typeof body === 'string' ? (body as string | undefined) : JSON.stringify(body);
  const request = httpRequest({ port, host: '127.0.0.1', method, path, agent: false });
  if (token !== null) request.setHeader('X-Auth-Token', token);
  if (version !== undefined) request.setHeader('OpenStack-API-Version', `compute ${version}`);
  if (sent !== undefined) {
    request.setHeader('Content-Type', 'application/json');
    if (headers['Transfer-Encoding'] === undefined) request.setHeader('Content-Length', Buffer.byteLength(sent));
  }
  for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
  request.end(sent);
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  const isJson = response.headers['content-type']?.startsWith('application/json') === true && text !== '';
  return {
    status: response.statusCode!,
    headers: response.headers,
    bytes,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

/** Requests the metadata of a server with the headers of the metadata proxy. */
export function askMetadata(port: number, path: string, server: { id: string; tenant_id: string }): Promise<Answer> {
  const signature = createHmac('sha256', SECRET).update(server.id).digest('hex');
  const headers = { 'X-Instance-ID': server.id, 'X-Tenant-ID': server.tenant_id, 'X-Instance-ID-Signature': signature };
  return ask(port, `GET ${path}`, { token: null, headers });
}

export const CIRROS = '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01';

/** Creates a server and returns its id. With `transition_ms = 0` the server is active at once. */
export async function makeServer(api: SampleApi, members: object = {}, asked: Asked = {}): Promise<string> {
  const server = { name: 's1', flavorRef: '1', imageRef: CIRROS, ...members };
  const answer = await api.compute('POST /v2.1/servers', { ...asked, body: { server } });
  if (answer.status !== 202) throw new Error(`no server was made: ${answer.status} ${answer.text}`);
  return answer.json.server.id as string;
}
