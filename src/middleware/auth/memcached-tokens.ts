/**
 * Validated tokens, kept in memcached: the processes of a service, and services in Python, share one validation.
 */
import { crc32 } from 'node:zlib';
import type { Client } from 'memjs';
import type { Logger } from '../../log/index.js';
import { importPeer } from '../../modules/index.js';
import { systemClock, within } from '../../tasks/internal.js';
import { envelopeFor, type Protection } from './memcache-crypt.js';

/** Servers of memcached, and how they are asked. */
export interface MemcachedOptions {
  /** In the order that all who share them have. */
  readonly servers: readonly { readonly host: string; readonly port: number | undefined }[];
  /** How long a token is kept, in seconds. */
  readonly lifeS: number;
  readonly protection: Protection;
  readonly secret: string;
  /** For one question. */
  readonly timeoutMs: number;
  /** How long a server that failed is not asked. */
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

/** A cache that may always be empty: what fails is a miss, logged once for as long as the server is left alone. */
export class MemcachedTokens {
  readonly #options: MemcachedOptions;
  readonly #servers: readonly Server[];
  #tellForgedFrom = Number.NEGATIVE_INFINITY;

  private constructor(options: MemcachedOptions, servers: readonly Server[]) {
    this.#options = options;
    this.#servers = servers;
  }

  /** Connects with the first question. Throws where the package memjs is not installed. */
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

  /** The answer of the identity service about a token, as it was written; undefined where none is kept. */
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
      // memjs never settles a question whose connection the server closes.
      return await within(ask(client), timeoutMs, () => {
        throw new Error('it does not respond in time');
      });
    } catch (error) {
      // It answered: it does not keep this value, too large a one for instance.
      if ((error as Error).message.startsWith('MemJS ')) return undefined;
      // The client keeps half an answer in front of all later ones.
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

  /** As python-memcached chooses, so that all look for a token at the same place. */
  #serverOf(key: string): Server {
    const number = (crc32(key) >>> 16) & 0x7fff || 1;
    return this.#servers[number % this.#servers.length]!;
  }
}
