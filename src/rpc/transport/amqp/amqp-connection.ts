/**
 * One connection to one node of RabbitMQ, by the package `rabbitmq-client`, which is loaded with the first: few programs need it.
 */
import { isIP } from 'node:net';
import type { Connection, ConnectionOptions } from 'rabbitmq-client';
import { importPeer } from '../../../modules/index.js';
import type { TransportOptions } from '../transport.js';
import type { TransportHost, TransportUrl } from '../transport-url.js';

const RABBITMQ_CLIENT = {
  code: 'PORTICO_AMQP_MISSING',
  neededBy: '[rpc] transport_url = amqp://…',
  spec: 'rabbitmq-client@5',
};

/** Longer messages travel in several frames; RabbitMQ's own limit is twice as much. */
const FRAME_BYTES = 65_536;

/** What a connection is made with. */
export interface ConnectionSettings {
  readonly url: TransportUrl;
  readonly options: TransportOptions;
  /** What the broker shows for it. */
  readonly name: string;
}

/**
 * Connects. Rejects with what the network, TLS or the broker said, or `PORTICO_AMQP_MISSING`; gives up when `signal` is raised.
 * The connection does not connect again by itself: after its first error event it is dead.
 */
export async function openConnection(
  host: TransportHost,
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<Connection> {
  const { Connection: Made } = await importPeer(() => import('rabbitmq-client'), RABBITMQ_CLIENT);
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
      // It would try again by itself, this one host only and with its own waits.
      connection.unsafeDestroy();
      settled();
      reject(error as Error);
    });
  });
}

/** The options of `rabbitmq-client` for a host. Where no user is named it is `guest`, as the broker's default is. */
export function connectionOptions(
  { host, port, user = 'guest', password = 'guest' }: TransportHost,
  { url, options, name }: ConnectionSettings,
): ConnectionOptions {
  const secure = url.driver === 'amqps';
  const { connectTimeoutMs, heartbeatMs, tls: { ca, cert, key, verifyHostname = true } = {} } = options;
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
    // Without it a message waits 40 ms for the acknowledgement of the packet before it.
    noDelay: true,
    // The types want a port here as well, which would be that of every host.
    socket: { keepAlive: true, keepAliveInitialDelay: heartbeatMs } as NonNullable<ConnectionOptions['socket']>,
    ...(secure && {
      tls: {
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        ...(!verifyHostname && { checkServerIdentity: () => undefined }),
      },
    }),
  };
}

/** What went wrong, in a few words. A host with two addresses fails twice at once. */
export function reasonOf(error: unknown): string {
  const { message = '', errors, code } = error as { message?: string; errors?: readonly unknown[]; code?: string };
  if (message === '' && errors?.[0] !== undefined) return reasonOf(errors[0]);
  // The package begins with the method that was refused, where it knows one.
  return message === '' ? String(code ?? error) : message.replace(/^undefined: /, '');
}
