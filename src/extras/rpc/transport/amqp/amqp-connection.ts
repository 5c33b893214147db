/**
 * A connection to RabbitMQ that is re-established after a loss, to the next of several hosts; by the package `rabbitmq-client`, which is
 * loaded with the first connection: few applications need it. The package's own list of hosts has one user for all of them, and it reconnects
 * without limit after a refused password, with an event for the first two failures only: so hosts and attempts are chosen here.
 */
import { isIP } from 'node:net';
import { runInRequest } from 'portico/app';
import { batchWrites, importPeer, PorticoError } from 'portico/extension';
import { pause, within } from 'portico/tasks';
import type { Connection, ConnectionOptions } from 'rabbitmq-client';
import { DeliveryFailure } from '../../errors.js';
import { retryWaitMs, type TransportOptions } from '../transport.js';
import type { TransportHost, TransportUrl } from '../transport-url.js';

const RABBITMQ_CLIENT = {
  code: 'PORTICO_AMQP_MISSING',
  neededBy: '[rpc] transport_url = amqp://…',
  spec: 'rabbitmq-client@5',
};

/** Longer messages are split into several frames; RabbitMQ's own limit is twice as much. */
const FRAME_BYTES = 65_536;

/** Settings of a connection. */
export interface ConnectionSettings {
  readonly url: TransportUrl;
  readonly options: TransportOptions;
  /** Name of the connection in the broker's lists. */
  readonly name: string;
}

/** Time limit of a close if the broker does not respond. */
const CLOSE_MS = 5000;

/** Maintains one connection. */
export class AmqpLink {
  readonly #settings: ConnectionSettings;
  readonly #hosts: readonly TransportHost[];
  readonly #onChange: () => void;
  #at = 0;
  #stop: AbortController | undefined;
  #connection: Connection | undefined;
  #isBlocked = false;
  #wasUp = false;
  #isClosed = false;
  #failure: unknown;
  /** Attempts since the start that failed, each with all hosts. */
  #failed = 0;
  readonly #waiting = new Set<() => void>();

  constructor(settings: ConnectionSettings, onChange: () => void) {
    this.#settings = settings;
    this.#onChange = onChange;
    const hosts = settings.url.hosts.length === 0 ? [{ host: 'localhost' }] : settings.url.hosts;
    this.#hosts = shuffled(hosts);
  }

  /** Undefined: not connected at present. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** True while the broker does not read from it: memory or disk alarm. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** True if it was connected, and is not. */
  get isLost(): boolean {
    return this.#wasUp && this.#connection === undefined;
  }

  /** Settles when one of these properties has changed, or `signal` is aborted. */
  changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Starts to connect, without limit. */
  start(): void {
    if (this.#stop !== undefined || this.#isClosed) return;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    if (this.#failure instanceof DeliveryFailure) this.#failure = undefined;
    this.#failed = 0;
    // Others use it too, long after the request that was the first.
    void runInRequest({}, () => this.#run(signal));
  }

  /** Stops connecting. It can be started again. */
  stop(): void {
    this.#stop?.abort();
    this.#stop = undefined;
  }

  /**
   * Returns the connection once it is established. Rejects when `signal` is aborted, when it is closed, when it can never be established, or
   * when more attempts than `retry` have failed; one that failed before the call, or lost the connection, counts.
   */
  async up(signal?: AbortSignal, retry = Number.POSITIVE_INFINITY): Promise<Connection> {
    const most = Math.max(this.#failed, this.#wasUp ? 0 : 1) + retry;
    while (this.#connection === undefined) {
      if (this.#failure instanceof PorticoError) throw this.#failure;
      const isOver = signal?.aborted === true || this.#failed >= most;
      if (isOver || this.#isClosed) throw this.#notConnected();
      await this.changed(signal);
    }
    return this.#connection;
  }

  /** Closes the connection after its channels have ended; both together may take a few seconds, then it is cut. */
  async close(channelsEnded: Promise<unknown>): Promise<void> {
    this.#isClosed = true;
    this.stop();
    this.#tell();
    const connection = this.#connection;
    if (connection === undefined) return;
    const end = async (): Promise<void> => {
      await channelsEnded;
      // A connection that was lost meanwhile would never report its close.
      if (this.#connection === connection) await connection.close();
    };
    // A broker that does not read cannot close gracefully.
    await within(end(), this.#isBlocked ? 0 : CLOSE_MS, () => connection.unsafeDestroy()).catch(() => {});
    this.#connection = undefined;
    this.#tell();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { options } = this.#settings;
    for (let failed = 0; !signal.aborted; ) {
      try {
        const connection = await openConnection(this.#next(), this.#settings, signal);
        if (signal.aborted) return connection.unsafeDestroy();
        failed = 0;
        const reason = await this.#keep(connection);
        if (signal.aborted) return;
        this.#say(`is lost: ${reason}`);
        // Processes that lost a broker must not all reconnect at the same time.
        await pause(Math.random() * options.retryIntervalMs, { signal });
      } catch (error) {
        if (signal.aborted) return;
        this.#failure = error;
        if (error instanceof PorticoError) {
          this.#tell();
          return;
        }
        failed += 1;
        if (failed % this.#hosts.length > 0) continue;
        if (!this.#wasUp && isRefusal(error)) return this.#giveUp(error);
        const rounds = failed / this.#hosts.length;
        this.#failed += 1;
        this.#tell();
        const waitMs = retryWaitMs(options, rounds - 1) * (0.5 + Math.random() / 2);
        this.#say(`failed: ${reasonOf(error)}; retrying in ${Math.ceil(waitMs / 1000)} s`);
        await pause(waitMs, { signal });
      }
    }
  }

  /** A user that the broker refuses will be refused again. The next start retries. */
  #giveUp(cause: unknown): void {
    this.#failure = new DeliveryFailure({
      message: `${this.#settings.url.shown} refuses the user: ${reasonOf(cause)}`,
      hint: "Check the user, password and virtual host in [rpc] transport_url, and the user's permissions.",
      cause,
    });
    this.#stop = undefined;
    this.#tell();
  }

  /** Holds the connection until it is lost; returns the reason. */
  #keep(connection: Connection): Promise<string> {
    this.#connection = connection;
    this.#failure = undefined;
    this.#isBlocked = false;
    if (this.#wasUp) this.#settings.options.log.info(`${this.#what} is restored`);
    this.#wasUp = true;
    batchWrites(connection);
    return new Promise((resolve) => {
      connection.on('connection.blocked', (reason) => {
        this.#isBlocked = true;
        this.#say(`is blocked by the broker, which accepts no messages: ${reason}`);
        this.#tell();
      });
      connection.on('connection.unblocked', () => {
        this.#isBlocked = false;
        this.#tell();
      });
      connection.on('error', (error) => {
        if (this.#connection === connection) this.#connection = undefined;
        this.#isBlocked = false;
        this.#failure = error;
        resolve(reasonOf(error));
        this.#tell();
      });
      this.#tell();
    });
  }

  #next(): TransportHost {
    const host = this.#hosts[this.#at % this.#hosts.length]!;
    this.#at += 1;
    return host;
  }

  get #what(): string {
    return `${this.#settings.url.shown}: the connection "${this.#settings.name}"`;
  }

  #say(what: string): void {
    this.#settings.options.log.warn(`${this.#what} ${what}`);
  }

  #tell(): void {
    for (const done of this.#waiting) done();
    this.#onChange();
  }

  #notConnected(): DeliveryFailure {
    const reason = this.#failure === undefined ? '' : `: ${reasonOf(this.#failure)}`;
    return new DeliveryFailure({
      message: `${this.#settings.url.shown} is not connected${reason}`,
      cause: this.#failure,
    });
  }
}

/**
 * Connects. Rejects with the error of the network, TLS or the broker, or `PORTICO_AMQP_MISSING`; gives up when `signal` is aborted. The
 * connection does not reconnect by itself: after its first error event it is dead.
 */
async function openConnection(
  host: TransportHost,
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<Connection> {
  const { Connection: Made } = await importPeer((failed) => import('rabbitmq-client').catch(failed), RABBITMQ_CLIENT);
  signal.throwIfAborted();
  return await new Promise<Connection>((resolve, reject) => {
    const connection = new Made(connectionOptions(host, settings));
    const settled = (): void => signal.removeEventListener('abort', givenUp);
    const givenUp = (): void => {
      connection.unsafeDestroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', givenUp, { once: true });
    connection.on('connection', () => {
      settled();
      resolve(connection);
    });
    connection.on('error', (error) => {
      // It would retry by itself, only this host and with its own delays.
      connection.unsafeDestroy();
      settled();
      reject(error as Error);
    });
  });
}

/** Returns the options of `rabbitmq-client` for a host. The default user is `guest`, as at the broker. */
export function connectionOptions(
  { host, port, user = 'guest', password = 'guest' }: TransportHost,
  { url, options, name }: ConnectionSettings,
): ConnectionOptions {
  const { connectTimeoutMs, heartbeatMs, tls: { isOn = false, ca, cert, key } = {} } = options;
  const secure = isOn || url.driver.endsWith('amqps');
  return {
    hostname: host,
    port: port ?? (secure ? 5671 : 5672),
    username: user,
    password,
    vhost: url.virtualHost ?? '/',
    connectionName: name,
    connectionTimeout: connectTimeoutMs,
    acquireTimeout: connectTimeoutMs,
    heartbeat: Math.ceil(heartbeatMs / 1000),
    frameMax: FRAME_BYTES,
    // Without it, a message waits 40 ms for the acknowledgement of the packet before it.
    noDelay: true,
    // The types require a port here as well, which would apply to every host.
    socket: { keepAlive: true, keepAliveInitialDelay: heartbeatMs } as NonNullable<ConnectionOptions['socket']>,
    ...(secure && {
      tls: {
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
      },
    }),
  };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Reports whether the broker refuses the user, password or virtual host. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'ACCESS_REFUSED' || code === 'NOT_ALLOWED';
}

/** Describes an error briefly. A host with two addresses has two errors at once. */
export function reasonOf(error: unknown): string {
  const { message = '', errors, code } = error as { message?: string; errors?: readonly unknown[]; code?: string };
  if (message === '' && errors?.[0] !== undefined) return reasonOf(errors[0]);
  // The package begins with the refused method, if it knows one.
  return message === '' ? String(code ?? error) : message.replace(/^undefined: /, '');
}
