/** Caches validated tokens in memcached, so that the processes of a service, and Python services, share one validation. */

import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Client } from 'memjs';
import { refusalAt } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { Throttle } from '../../log/internal.js';
import { importPeer } from '../../modules/index.js';
import { systemClock, within } from '../../tasks/internal.js';
import type { AuthTokenOptions } from './auth-token-options.js';
import type { ValidatorSettings } from './token-validator.js';

const MEMJS = { code: 'PORTICO_MEMJS_MISSING', neededBy: 'memcached_servers', spec: 'memjs' };

/** Seconds for a response; then the identity service is asked. */
const TIMEOUT_S = 1;
/** Seconds for which a server that did not respond is skipped. */
const DEAD_S = 300;

interface Server {
  readonly name: string;
  readonly connect: () => Client;
  client: Client;
  deadUntil: number;
}

/** Treats failures as cache misses. A failing server is logged once and then skipped for five minutes. */
export class MemcachedTokens {
  readonly #options: AuthTokenOptions;
  readonly #log: Logger;
  readonly #servers: readonly Server[];
  readonly #forged = new Throttle(60_000);

  private constructor({ options, log }: ValidatorSettings, servers: readonly Server[]) {
    this.#options = options;
    this.#log = log;
    this.#servers = servers;
  }

  /**
   * Creates the clients, which connect on first use; undefined if the options name no server or disable the cache. Throws if the package
   * memjs is not installed.
   */
  static async open(settings: ValidatorSettings): Promise<MemcachedTokens | undefined> {
    const { memcachedServers, tokenCacheTime } = settings.options;
    if (memcachedServers.length === 0 || tokenCacheTime <= 0) return undefined;
    const { default: memjs } = await importPeer((failed) => import('memjs').catch(failed), MEMJS).catch(
      (error: unknown) => {
        throw refusalAt(error, settings.originOf('memcached_servers'));
      },
    );
    const silent = { log: () => undefined };
    const servers = memcachedServers.map(({ host, port }) => {
      const connect = (): Client =>
        new memjs.Client(
          [new memjs.Server(host, port, undefined, undefined, { timeout: TIMEOUT_S, conntimeout: TIMEOUT_S })],
          {
            retries: 0,
            logger: silent,
          },
        );
      return { name: `${host}:${port}`, connect, client: connect(), deadUntil: 0 };
    });
    return new MemcachedTokens(settings, servers);
  }

  /** Returns the cached response of the identity service for a token, or undefined. */
  async get(token: string): Promise<string | undefined> {
    const envelope = this.#envelopeFor(token);
    const found = await this.#ask(envelope.key, (client) => client.get(envelope.key));
    if (!found?.value) return undefined;
    try {
      return envelope.open(found.value);
    } catch (error) {
      const message = 'a token in memcached is not trusted, and is validated again; logged once a minute at most';
      this.#forged.tell(() => this.#log.warn({ reason: (error as Error).message }, message));
      return undefined;
    }
  }

  async set(token: string, answer: string): Promise<void> {
    const { key, seal } = this.#envelopeFor(token);
    await this.#ask(key, (client) =>
      client.set(key, seal(answer), { expires: Math.ceil(this.#options.tokenCacheTime) }),
    );
  }

  async delete(token: string): Promise<void> {
    const { key } = this.#envelopeFor(token);
    await this.#ask(key, (client) => client.delete(key));
  }

  close(): void {
    for (const { client } of this.#servers) client.close();
  }

  #envelopeFor(token: string): Envelope {
    return envelopeFor(token, this.#options.cacheSecurity, this.#options.cacheSecretKey ?? '');
  }

  async #ask<T>(key: string, ask: (client: Client) => Promise<T>): Promise<T | undefined> {
    const server = this.#serverOf(key);
    const now = systemClock.now();
    if (server.deadUntil > now) return undefined;
    const { client } = server;
    try {
      // memjs never settles a request whose connection the server closes.
      return await within(ask(client), TIMEOUT_S * 1000, () => {
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
        const facts = { server: server.name, reason: (error as Error).message, seconds: DEAD_S };
        this.#log.warn(facts, 'memcached does not respond; tokens are validated without it for a while');
      }
      server.deadUntil = now + DEAD_S * 1000;
      return undefined;
    }
  }

  /** Selects the server as python-memcached does, so that all services use the same server for a token. */
  #serverOf(key: string): Server {
    const number = (crc32(key) >>> 16) & 0x7fff || 1;
    return this.#servers[number % this.#servers.length]!;
  }
}

// The memcached keys and encryption of keystonemiddleware, byte for byte, so that Python services can share the cache.

/** `mac` signs the cached values, `encrypt` encrypts and signs them. */
type Protection = 'none' | 'mac' | 'encrypt';

/** The memcached key of a token, with the functions that encode and decode its value. */
interface Envelope {
  readonly key: string;
  seal(text: string): Buffer;
  /** Throws if the value was modified, or sealed with another secret. */
  open(value: Buffer): string;
}

const HASH = 'sha384';
const PART = 16;
const MAC_LENGTH = 64;
const CIPHER = 'aes-128-cbc';

/** Returns the envelope of a token. The protection `none` ignores `secret`. */
export function envelopeFor(token: string, protection: Protection, secret: string): Envelope {
  if (protection === 'none') {
    return {
      key: `tokens/${hash('sha256', token)}`,
      seal: (text) => Buffer.from(text),
      open: (value) => value.toString(),
    };
  }
  // Three 128-bit keys from one digest, for the name, the signature and the cipher (NIST SP 800-108).
  const digest = createHmac(HASH, secret).update(`${token}${protection.toUpperCase()}`).digest();
  const [name, mac, cipher] = [0, 1, 2].map((at) => digest.subarray(at * PART, (at + 1) * PART)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const sign = (encoded: Buffer): Buffer => Buffer.from(createHmac(HASH, mac).update(encoded).digest('base64'));
  return {
    // Python 3 formats bytes as b'…', so the quotes are part of the key.
    key: `tokens/b'${name.toString('base64')}'`,
    seal: (text) => {
      const data = protection === 'encrypt' ? encrypted(cipher, Buffer.from(text)) : Buffer.from(text);
      const encoded = Buffer.from(data.toString('base64'));
      return Buffer.concat([sign(encoded), encoded]);
    },
    open: (value) => {
      const [signature, encoded] = [value.subarray(0, MAC_LENGTH), value.subarray(MAC_LENGTH)];
      if (signature.length !== MAC_LENGTH || !timingSafeEqual(signature, sign(encoded))) {
        throw new Error('it is not signed with memcache_secret_key');
      }
      const data = Buffer.from(encoded.toString('latin1'), 'base64');
      return (protection === 'encrypt' ? decrypted(cipher, data) : data).toString();
    },
  };
}

function encrypted(key: Buffer, data: Buffer): Buffer {
  const start = randomBytes(PART);
  const cipher = createCipheriv(CIPHER, key, start);
  return Buffer.concat([start, cipher.update(data), cipher.final()]);
}

function decrypted(key: Buffer, data: Buffer): Buffer {
  const decipher = createDecipheriv(CIPHER, key, data.subarray(0, PART));
  return Buffer.concat([decipher.update(data.subarray(PART)), decipher.final()]);
}
