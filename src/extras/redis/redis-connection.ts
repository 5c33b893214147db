/** A connection to Redis or Valkey: a command gets its response in time or rejects, and a connection that was silent for some time is replaced. */
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import { ConfigurationRefused, errorText, ignoreErrors, importPeer, type StoreOptions } from 'portico/extension';
import { systemClock, within } from 'portico/tasks';
import { type RedisUrl, readUrl } from './redis-url.js';

const REDIS = { code: 'PORTICO_REDIS_MISSING', neededBy: 'store = redis://…', spec: 'redis@6' };

/** Late responses in sequence after which the connection is replaced: its server may be gone without a word. */
const MOST_LATE = 3;
/** Time in which late responses count as one: a stall makes those of all requests late. */
const LATE_MS = 1000;
/** Time after which a late response is forgotten. */
const FORGOTTEN_MS = 10_000;
/** Most commands that wait for their responses. */
const MOST_COMMANDS = 10_000;
const CONNECT_MS = 2000;
/** Time without a connection after which it is made anew: a node or a Sentinel that accepts connections and says nothing keeps a client waiting. */
const LONGEST_AWAY_MS = 10_000;
/** Time for which a start waits for the connection; without it, requests are served as while the store is away. */
const START_MS = 1000;
const LONGEST_REST_MS = 2000;

const SILENT = Symbol('no response');

interface Script {
  readonly keys: string[];
  readonly arguments: string[];
}

type Node = RedisUrl['hosts'][number];

/** The part of a client that stores use: of one server, of Sentinel and of a cluster. */
interface Client {
  readonly isReady: boolean;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
  get(key: string): Promise<string | null>;
  set(
    key: string,
    value: string,
    options: { readonly expiration: { readonly type: 'EX'; readonly value: number } },
  ): Promise<string | null>;
  expire(key: string, seconds: number): Promise<number>;
  del(key: string): Promise<number>;
  eval(script: string, given: Script): Promise<unknown>;
  evalSha(digest: string, given: Script): Promise<unknown>;
}

export class RedisConnection {
  readonly #makeClient: () => Client;
  readonly #url: RedisUrl;
  readonly #options: StoreOptions;
  /** Keys of a command must be on one node of a cluster. */
  readonly isCluster: boolean;
  /** Why there is no connection, as far as it is known. */
  #reason: string | undefined;
  #wasReady = false;
  #toldReason: string | undefined;
  #client: Client;
  #isClosed = false;
  #readyAt = systemClock.now();
  #late = 0;
  #lateAt = Number.NEGATIVE_INFINITY;

  private constructor(makeClient: () => Client, url: RedisUrl, options: StoreOptions) {
    this.#makeClient = makeClient;
    this.#url = url;
    this.isCluster = url.kind === 'cluster';
    this.#options = options;
    this.#client = this.#make();
  }

  /** Opens the connection of a URL (`redis-url.ts`). */
  static async open(text: string, options: StoreOptions): Promise<RedisConnection> {
    const url = readUrl(text);
    const connection = new RedisConnection(await clientsOf(url), url, options);
    if (options.connects) {
      await within(connection.#connect(), START_MS);
      connection.#reason ??= `no connection within ${START_MS} ms`;
      connection.#tell();
    }
    return connection;
  }

  /** Returns the response to a command. Rejects without a connection, and without a response within the timeout. */
  async ask<T>(command: (client: Client) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    const client = this.#client;
    const now = systemClock.now();
    if (!client.isReady) {
      if (now - this.#readyAt > LONGEST_AWAY_MS) this.#renew();
      throw new Error(this.#reason ?? 'it is not connected');
    }
    this.#readyAt = now;
    this.#reason = undefined;
    const asked = command(client);
    asked.then(() => {
      // One node of a cluster may be silent while others respond.
      if (!this.isCluster) this.#late = 0;
    }, ignore);
    let answer = await within(asked, timeoutMs, () => SILENT);
    // Timers come before sockets: a response that arrived while this process was busy is read in the next turn.
    if (answer === SILENT) answer = await within(asked, 0, () => SILENT);
    if (answer !== SILENT) return answer as T;
    this.#countLate();
    throw new Error(`no response within ${timeoutMs} ms`);
  }

  close(): void {
    this.#isClosed = true;
    destroy(this.#client);
  }

  #make(): Client {
    const client = this.#makeClient();
    client.on('error', (error) => {
      const reason = this.#reasonOf(error);
      this.#options.log.debug({ reason }, 'the connection to the store failed');
      if (client !== this.#client || client.isReady) return;
      this.#reason = reason;
      // Of several nodes, others may be there.
      if (this.#url.kind === 'server') this.#tell();
    });
    return client;
  }

  /** Returns the text of an error. A server that does not know a command of the login repeats its arguments. */
  #reasonOf(error: unknown): string {
    // An error for several addresses of a host has no text.
    const errors = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
    const { password, sentinelPassword } = this.#url;
    let text = errors.map(errorText).join('; ');
    for (const secret of [password, sentinelPassword])
      if (secret !== undefined && secret !== '') text = text.replaceAll(secret, '****');
    return text;
  }

  /** Tells of the first connection: what fails later, requests notice. */
  #tell(): void {
    if (this.#wasReady || this.#isClosed) return;
    this.#wasReady = this.#client.isReady;
    if (this.#wasReady) this.#reason = undefined;
    if (this.#reason === this.#toldReason) return;
    this.#toldReason = this.#reason;
    this.#options.tellConnection?.(this.#reason);
  }

  /** Sentinel and clusters give up; the client of one server never does. */
  async #connect(): Promise<void> {
    const client = this.#client;
    const tell = (): void => {
      if (client === this.#client) this.#tell();
    };
    await client.connect().then(tell, (error: unknown) => {
      if (client === this.#client) this.#reason ??= this.#reasonOf(error);
      tell();
      const again = (): void => {
        if (client === this.#client) this.#renew();
      };
      systemClock.after(LONGEST_REST_MS * Math.random(), again, { unref: true });
    });
  }

  #renew(): void {
    if (this.#isClosed) return;
    this.#late = 0;
    this.#readyAt = systemClock.now();
    destroy(this.#client);
    this.#client = this.#make();
    void this.#connect();
  }

  #countLate(): void {
    const now = systemClock.now();
    if (now - this.#lateAt < LATE_MS) return;
    this.#late = now - this.#lateAt < FORGOTTEN_MS ? this.#late + 1 : 1;
    this.#lateAt = now;
    if (this.#late >= MOST_LATE) this.#renew();
  }
}

/** Returns the version of the package; that of a bundle is not known. */
function installedVersion(): string | undefined {
  const manifest = ignoreErrors(
    () => createRequire(import.meta.url)('redis/package.json') as { readonly version: string },
  );
  return manifest?.version;
}

/** Refuses a version of the package that is not known to work: 5 has no cluster that reports its nodes in time. */
export function refuseVersion(kind: RedisUrl['kind'], version: string | undefined): void {
  const works = kind === 'cluster' ? ['6'] : ['5', '6'];
  if (version === undefined || works.includes(version.split('.', 1)[0]!)) return;
  throw new ConfigurationRefused(REDIS.code, {
    message: `store = redis${kind === 'cluster' ? '+cluster' : ''}://… works with version ${works.join(' or ')} of the package redis, and ${version} is installed`,
    hint: `npm install ${REDIS.spec}`,
  });
}

/** Returns a function that makes clients of the package for a URL. */
async function clientsOf(url: RedisUrl): Promise<() => Client> {
  const { createClient, createCluster, createSentinel } = await importPeer(
    (failed) => import('redis').catch(failed),
    REDIS,
  );
  refuseVersion(url.kind, installedVersion());
  const { kind, hosts, service: name, database, username, password, sentinelPassword, tls } = url;
  const [first] = hosts as [(typeof hosts)[number]];
  // Also for servers without the third protocol, and for users who may not name their connection.
  const [RESP, disableClientInfo] = [2, true] as const;
  const socket = {
    connectTimeout: CONNECT_MS,
    // All machines lose it at once.
    reconnectStrategy: (tries: number) => Math.random() * Math.min(LONGEST_REST_MS, 50 * 2 ** Math.min(tries, 10)),
    ...(tls !== undefined && { tls: true as const, ...tls }),
  };
  // One address may lead to many servers, which the name distinguishes. The client of Sentinel cannot send one.
  const named = (node: Node): Node & { readonly servername?: string } =>
    tls === undefined || isIP(node.host) !== 0 ? node : { ...node, servername: node.host };
  const common = {
    disableClientInfo,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MOST_COMMANDS,
    database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    socket,
  };
  const makers = {
    server: () =>
      createClient({
        ...common,
        RESP,
        socket: { ...socket, ...named(first) },
      }),
    sentinel: () =>
      createSentinel({
        name,
        RESP,
        sentinelRootNodes: fromAny(hosts),
        nodeClientOptions: common,
        sentinelClientOptions: {
          disableClientInfo,
          socket,
          ...(sentinelPassword !== undefined && { password: sentinelPassword }),
        },
        // Without it, requests of one moment would wait for each other.
        reserveClient: true,
      }),
    cluster: () =>
      createCluster({
        RESP,
        // They only tell the nodes, at once.
        rootNodes: hosts.map((host) => ({ socket: { ...named(host), socketTimeout: CONNECT_MS } })),
        ...(tls !== undefined && { nodeAddressMap: (address: string) => named(splitAddress(address)) }),
        defaults: common,
        // A node that is away must not keep the others waiting.
        minimizeConnections: true,
      }),
  };
  return makers[kind] as unknown as () => Client;
}

/** Splits the address of a node as the package writes it: `host:port`, without brackets around an IPv6 address. */
function splitAddress(address: string): Node {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

/** Returns a list that begins anywhere: no one Sentinel that stalls is the first each time. */
function fromAny<T>(list: readonly T[]): T[] {
  const at = Math.floor(Math.random() * list.length);
  return [...list.slice(at), ...list.slice(0, at)];
}

function destroy(client: Client): void {
  Promise.resolve(client.destroy()).catch(ignore);
}

const ignore = (): void => undefined;
