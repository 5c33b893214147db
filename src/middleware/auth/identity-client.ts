/** The HTTP client for an OpenStack identity service, and the parser of its tokens (Identity API v3). */

import { type IncomingHttpHeaders, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { type AgentOptions, request as secureRequest, Agent as TlsAgent } from 'node:https';
import { isObject } from '../../errors/index.js';
import { pause, systemClock } from '../../tasks/internal.js';
import type { AuthTokenOptions } from './auth-token-options.js';
import {
  type AccessRule,
  type AppCredential,
  type Named,
  type TokenInfo,
  ValidatorUnavailable,
} from './token-validator.js';

/** A request to the identity service. */
export interface IdentityRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The request body, sent as JSON. */
  readonly body?: unknown;
}

/** A response of the identity service, with any status. */
export interface IdentityAnswer {
  /** The method and URL of its request, for messages. */
  readonly from: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Maximum size of a response, in bytes. A catalog has some hundred kilobytes. */
const LONGEST_ANSWER = 8 * 1024 * 1024;
/** The first backoff. It doubles with each retry, as in keystoneauth. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/** Error codes of a connection that could not be opened, closed before the response, or timed out. */
const CONNECTION_FAILED: ReadonlySet<string | undefined> = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH'.split(' '),
);

/** Keeps connections alive between requests. Does not follow redirects, because they would forward tokens. */
export class IdentityClient {
  readonly #options: AuthTokenOptions;
  readonly #plain = new PlainAgent({ keepAlive: true });
  readonly #tls: TlsAgent;
  #closed = false;

  constructor(options: AuthTokenOptions, tls: Pick<AgentOptions, 'ca' | 'cert' | 'key'>) {
    this.#options = options;
    this.#tls = new TlsAgent({ keepAlive: true, ...tls, rejectUnauthorized: !options.insecure });
  }

  /** Sends a request, with retries. Throws {@link ValidatorUnavailable} if there is no response in time. */
  async send(asked: IdentityRequest): Promise<IdentityAnswer> {
    for (let retries = 0; ; retries++) {
      try {
        return { ...(await this.#attempt(asked)), from: whereOf(asked) };
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (this.#closed || retries >= this.#options.httpRequestMaxRetries || !CONNECTION_FAILED.has(code)) {
          throw new ValidatorUnavailable(`${whereOf(asked)}: ${(error as Error).message || code}`, error);
        }
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS));
      }
    }
  }

  /** Closes the client and aborts its requests in flight. */
  close(): void {
    this.#closed = true;
    this.#plain.destroy();
    this.#tls.destroy();
  }

  #attempt({ method, url, headers, body }: IdentityRequest): Promise<Omit<IdentityAnswer, 'from'>> {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const described =
      content === undefined ? {} : { 'content-type': 'application/json', 'content-length': content.length };
    return new Promise((resolve, reject) => {
      const target = new URL(url);
      const options = { method, headers: { accept: 'application/json', ...described, ...headers } };
      const outgoing =
        target.protocol === 'https:'
          ? secureRequest(target, { ...options, agent: this.#tls })
          : plainRequest(target, { ...options, agent: this.#plain });
      // From the start of the attempt to the end of the response.
      const timeoutMs = this.#options.httpConnectTimeout * 1000;
      const tooLate = (): void =>
        void outgoing.destroy(Object.assign(new Error(`no response within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
      const cancel = systemClock.after(timeoutMs, tooLate);
      const fail = (error: Error): void => {
        cancel();
        reject(error);
      };
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > LONGEST_ANSWER) outgoing.destroy(new Error(`a response of more than ${LONGEST_ANSWER} bytes`));
          else chunks.push(chunk);
        });
        incoming.on('error', fail);
        incoming.on('end', () => {
          cancel();
          const text = Buffer.concat(chunks).toString();
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
        });
      });
      outgoing.end(content);
    });
  }
}

/** Returns the method and URL for the log, without query and credentials. */
function whereOf({ method, url }: IdentityRequest): string {
  const { origin, pathname } = new URL(url);
  return `${method} ${origin}${pathname}`;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Parses a response of `/v3/auth/tokens`. Ignores members of the wrong type, except those that limit the token. Throws a `TypeError` for
 * those, and if the response has no token.
 */
export function tokenInfoOf(text: string): TokenInfo {
  const token = object(parsed(text)?.token);
  if (token === undefined) throw new TypeError('it is not a token');
  if (word(token.expires_at) === undefined) throw new TypeError('it is a token without expires_at');
  for (const limit of ['application_credential', 'bind']) {
    if (!isObject(token[limit] ?? {})) throw new TypeError(`it is a token whose ${limit} is not an object`);
  }
  const user = object(token.user);
  const project = object(token.project);
  const system = object(token.system);
  return {
    userId: word(user?.id),
    userName: word(user?.name),
    userDomain: named(user?.domain),
    projectId: word(project?.id),
    projectName: word(project?.name),
    projectDomain: named(project?.domain),
    domain: named(token.domain),
    systemScope: system?.all === true ? 'all' : undefined,
    roles: items(token.roles).flatMap((role) => word(object(role)?.name) ?? []),
    // Keystone omits it unless an admin project is configured; every project counts as the admin project then.
    isAdminProject: token.is_admin_project === undefined || token.is_admin_project === true,
    expiresAt: word(token.expires_at),
    issuedAt: word(token.issued_at),
    auditIds: items(token.audit_ids).flatMap((id) => word(id) ?? []),
    methods: items(token.methods).flatMap((method) => word(method) ?? []),
    appCredential: appCredential(token.application_credential),
    catalog: Array.isArray(token.catalog) ? token.catalog : undefined,
    bind: object(token.bind),
  };
}

function appCredential(value: unknown): AppCredential | undefined {
  const credential = object(value);
  if (credential === undefined) return undefined;
  const { access_rules: rules } = credential;
  return {
    id: word(credential.id),
    name: word(credential.name),
    restricted: credential.restricted === true,
    // Rules that cannot be parsed are dropped, so they allow nothing.
    accessRules: rules === undefined || rules === null ? undefined : items(rules).flatMap(accessRule),
  };
}

function accessRule(value: unknown): AccessRule[] {
  const rule = object(value);
  const [service, method, path] = [word(rule?.service), word(rule?.method), word(rule?.path)];
  return service === undefined || method === undefined || path === undefined ? [] : [{ service, method, path }];
}

function parsed(text: string): Json | undefined {
  try {
    return object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function named(value: unknown): Named | undefined {
  const reference = object(value);
  return reference === undefined ? undefined : { id: word(reference.id), name: word(reference.name) };
}

function object(value: unknown): Json | undefined {
  return isObject(value) ? value : undefined;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
