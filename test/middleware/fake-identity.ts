/** An identity service for tests: the part of Keystone's API v3 that auth_token uses. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'portico';
import type { Filter } from 'portico/app';
import { authToken } from 'portico/middleware';
import { type Built, buildFilter } from 'portico/testing';

export const HOUR = 3_600_000;
export const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** Returns a token of a user in a project. */
export function token(overrides: object = {}): object {
  return {
    user: { id: 'u1', name: 'alice', domain: { id: 'default', name: 'Default' } },
    project: { id: 'p1', name: 'blue', domain: { id: 'default', name: 'Default' } },
    roles: [
      { id: 'r1', name: 'member' },
      { id: 'r2', name: 'reader' },
    ],
    expires_at: inMs(HOUR),
    ...overrides,
  };
}

export const serviceToken = (roles = [{ name: 'service' }]): object =>
  token({ user: { id: 's1', name: 'nova', domain: { id: 'default', name: 'Default' } }, roles });

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** The state of the service and its recorded requests. `meddle` makes it misbehave: true means that it has sent the response. */
export class FakeIdentity {
  readonly tokens = new Map<string, object>();
  readonly asked: Asked[] = [];
  readonly logins = new Set<string>();
  catalog: object[] | undefined;
  meddle: (asked: Asked, res: ServerResponse) => boolean | Promise<boolean> = () => false;
  #server: Server | undefined;

  async listen(tls?: { key: string; cert: string }): Promise<string> {
    const listener: RequestListener = (req, res) => void this.#answer(req, res);
    this.#server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  get validations(): Asked[] {
    return this.asked.filter(({ method }) => method === 'GET');
  }

  get loginCount(): number {
    return this.asked.filter(({ method }) => method === 'POST').length;
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = req;
    const asked = { method, url, headers, body: Buffer.concat(chunks).toString() };
    this.asked.push(asked);
    if (await this.meddle(asked, res)) return;
    if (method === 'POST' && url === '/v3/auth/tokens') return this.#logIn(res);
    if (method !== 'GET' || !url.startsWith('/v3/auth/tokens')) return reply(res, 400, {});
    if (!this.logins.has(String(headers['x-auth-token']))) return reply(res, 401, {});
    const found = this.tokens.get(String(headers['x-subject-token'])) as { expires_at?: string } | undefined;
    const over = found?.expires_at !== undefined && Date.parse(found.expires_at) <= Date.now();
    if (found === undefined || (over && !url.includes('allow_expired=1'))) return reply(res, 404, {});
    reply(res, 200, { token: found });
  }

  #logIn(res: ServerResponse): void {
    const login = `login-${this.loginCount}`;
    this.logins.add(login);
    res.setHeader('x-subject-token', login);
    reply(res, 201, { token: { ...serviceToken(), catalog: this.catalog } });
  }
}

export function reply(res: ServerResponse, status: number, body: object): void {
  res.statusCode = status;
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(body));
}

interface Ending {
  after(fn: () => Promise<void>): void;
}

/** Builds the filter for a fake identity service, with more options of its section. */
export async function setUp(
  t: Ending,
  local: Record<string, string> = {},
  log?: Logger,
): Promise<{ identity: FakeIdentity; url: string; filter: Filter; built: Built<Filter> }> {
  const identity = new FakeIdentity();
  const url = await identity.listen();
  t.after(() => identity.close());
  const built = await buildFilter(authToken, { local: { ...account(url), ...local }, ...(log && { log }) });
  t.after(built.close);
  return { identity, url, filter: built.made, built };
}

export const account = (url: string): Record<string, string> => ({
  www_authenticate_uri: 'https://identity.example/v3',
  auth_url: url,
  username: 'nova',
  password: 's3cret',
  project_name: 'service',
});
