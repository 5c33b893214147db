/** Caches validated tokens in memcached, so that the processes of a service, and Python services, share one validation. */
import { crc32 } from 'node:zlib';
import type { Client } from 'memjs';
import type { Logger } from '../../log/index.js';
import { importPeer } from '../../modules/index.js';
import { systemClock, within } from '../../tasks/internal.js';
import { envelopeFor, type Protection } from './memcache-crypt.js';

/** The memcached servers and their limits. */
export interface MemcachedOptions {
  /** Must have the same order in all services that share them. */
  readonly servers: readonly { readonly host: string; readonly port: number | undefined }[];
  /** How long a token is cached, in seconds. */
  readonly lifeS: number;
  readonly protection: Protection;
  readonly secret: string;
  /** Timeout of a request, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a server that failed is skipped, in milliseconds. */
  readonly deadMs: number;
  readonly log: Logger;
}

const MEMJS = { code: 'PORTICO_MEMJS_MISSING', neededBy: 'memcached_servers', spec: 'memjs' };
const PORT = 11_211;
const TELL_EVERY_MS = 60_000;

interface Server {
  readonly name: string;
  readonly connect: () => Client;
  client: Client;
  deadUntil: number;
}

/** Treats failures as cache misses. A failing server is logged once and then skipped for `deadMs`. */
export class MemcachedTokens {
  readonly #options: MemcachedOptions;
  readonly #servers: readonly Server[];
  #tellForgedFrom = Number.NEGATIVE_INFINITY;

  private constructor(options: MemcachedOptions, servers: readonly Server[]) {
    this.#options = options;
    this.#servers = servers;
  }

  /** Creates the clients, which connect on first use. Throws if the package memjs is not installed. */
  static async open(options: MemcachedOptions): Promise<MemcachedTokens> {
    const { default: memjs } = await importPeer(() => import('memjs'), MEMJS);
    const timeout = options.timeoutMs / 1000;
    const silent = { log: () => undefined };
    const servers = options.servers.map(({ host, port = PORT }) => {
      const connect = (): Client =>
        new memjs.Client([new memjs.Server(host, port, undefined, undefined, { timeout, conntimeout: timeout })], {
          retries: 0,
          logger: silent,
        });
      return { name: `${host}:${port}`, connect, client: connect(), deadUntil: 0 };
    });
    return new MemcachedTokens(options, servers);
  }

  /** Returns the cached response of the identity service for a token, or undefined. */
  async get(token: string): Promise<string | undefined> {
    const { protection, secret, log } = this.#options;
    const envelope = envelopeFor(token, protection, secret);
    const found = await this.#ask(envelope.key, (client) => client.get(envelope.key));
    if (!found?.value) return undefined;
    try {
      return envelope.open(found.value);
    } catch (error) {
      const now = systemClock.now();
      if (now >= this.#tellForgedFrom) {
        this.#tellForgedFrom = now + TELL_EVERY_MS;
        const facts = { reason: (error as Error).message };
        log.warn('a token in memcached is not trusted, and is validated again; logged once a minute at most', facts);
      }
      return undefined;
    }
  }

  async set(token: string, answer: string): Promise<void> {
    const { protection, secret, lifeS } = this.#options;
    const { key, seal } = envelopeFor(token, protection, secret);
    await this.#ask(key, (client) => client.set(key, seal(answer), { expires: Math.ceil(lifeS) }));
  }

  async delete(token: string): Promise<void> {
    const { key } = envelopeFor(token, this.#options.protection, this.#options.secret);
    await this.#ask(key, (client) => client.delete(key));
  }

  close(): void {
    for (const { client } of this.#servers) client.close();
  }

  async #ask<T>(key: string, ask: (client: Client) => Promise<T>): Promise<T | undefined> {
    const server = this.#serverOf(key);
    const now = systemClock.now();
    if (server.deadUntil > now) return undefined;
    const { client } = server;
    const { deadMs, log, timeoutMs } = this.#options;
    try {
      // memjs never settles a request whose connection the server closes.
      return await within(ask(client), timeoutMs, () => {
        throw new Error('it does not respond in time');
      });
    } catch (error) {
      // An error reply: the server works, but did not store the value, for example because it is too large.
      if ((error as Error).message.startsWith('MemJS ')) return undefined;
      // The client would prepend an incomplete reply to all later ones.
      if (server.client === client) {
        client.close();
        server.client = server.connect();
      }
      if (server.deadUntil <= now) {
        const facts = { server: server.name, reason: (error as Error).message, seconds: deadMs / 1000 };
        log.warn('memcached does not respond; tokens are validated without it for a while', facts);
      }
      server.deadUntil = now + deadMs;
      return undefined;
    }
  }

  /** Selects the server as python-memcached does, so that all services use the same server for a token. */
  #serverOf(key: string): Server {
    const number = (crc32(key) >>> 16) & 0x7fff || 1;
    return this.#servers[number % this.#servers.length]!;
  }
}
