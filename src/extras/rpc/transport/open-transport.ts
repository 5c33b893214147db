/**
 * Chooses the driver of a transport URL, and shares one transport among all users of a URL in a process.
 */
import { Config } from 'portico/config';
import {
  ConfigurationRefused,
  errorText,
  extensionsOf,
  type Logger,
  nearestOrAll,
  PorticoError,
  whatItIs,
} from 'portico/extension';
import { DeliveryFailure, DeliveryUnknown } from '../errors.js';
import { DRIVERS } from './drivers.js';
import { transportsOf } from './known-transports.js';
import type { MakeTransport, Transport, TransportConsumer, TransportOptions } from './transport.js';
import { parseTransportUrl, type TransportUrl } from './transport-url.js';

/**
 * Creates the transport of a URL; it is not connected yet. Imports the extensions of the configuration, and rejects with the errors of their
 * list. Rejects with `PORTICO_RPC_URL` for a URL that cannot be read, or whose driver is unknown or cannot be imported.
 */
export async function makeTransport(
  text: string,
  options: TransportOptions,
  config = new Config(),
): Promise<Transport> {
  await extensionsOf(config, { providing: 'transports' });
  const url = checkTransportUrl(text, config);
  for (const warning of url.warnings) options.log.warn(warning);
  const make = await importDriver(url, config);
  const transport = make(url, options, config);
  // The drivers of Portico log each of their connections, with the next attempt.
  if (!Object.hasOwn(DRIVERS, url.driver)) logStates(transport, options.log);
  return transport;
}

/** Logs the loss of a connection, with its reason, and the return. */
function logStates(transport: Transport, log: Logger): void {
  let last = transport.state;
  transport.onState((state, reason) => {
    const why = reason === undefined ? '' : `: ${reason}`;
    if (state === 'lost') log.warn(`${transport.name}: the connection is lost${why}`);
    else if (state !== 'closed' && last === 'lost') log.info(`${transport.name}: the connection is restored`);
    if (state === 'blocked') log.warn(`${transport.name} accepts no messages${why}`);
    last = state;
  });
}

/**
 * Parses a URL. Throws `PORTICO_RPC_URL`, also for an unknown driver if the extensions of the configuration are known: otherwise it may be of
 * one of them, and {@link makeTransport} refuses it.
 */
export function checkTransportUrl(text: string, config: Config): TransportUrl {
  const url = parseTransportUrl(text);
  const { transports, isWhole } = transportsOf(config);
  if (Object.hasOwn(transports, url.driver) || !isWhole) return url;
  throw new ConfigurationRefused('PORTICO_RPC_URL', {
    message: `there is no transport ${url.driver}://`,
    hint: nearestOrAll(url.driver, Object.keys(transports)),
  });
}

/** Imports the driver of a URL. Rejects with `PORTICO_RPC_URL`: the code may be of any package. */
export async function importDriver({ driver }: TransportUrl, config: Config): Promise<MakeTransport> {
  const refuse = (why: string, hint?: string, cause?: unknown): never => {
    throw new ConfigurationRefused('PORTICO_RPC_URL', { message: `the transport ${driver}:// ${why}`, hint, cause });
  };
  let make: unknown;
  try {
    make = await transportsOf(config).transports[driver]!();
  } catch (error) {
    return refuse(`cannot be loaded: ${errorText(error)}`, undefined, error);
  }
  if (typeof make === 'function') return make as MakeTransport;
  return refuse(`is ${whatItIs(make)}, not a function`, 'Its import returns a function that makes a Transport.');
}

/** Shared transports of this process, by URL: a connection belongs to a process and not to one of its services. */
const shared = new Map<string, { readonly transport: Promise<Transport>; users: number }>();

/**
 * Returns a share of a URL's transport, which all users of that URL in a process have in common, with the options of the first one. Closing
 * a share ends its consumers; the transport is closed with the last share. Rejects as {@link makeTransport}.
 */
export async function shareTransport(text: string, options: TransportOptions, config?: Config): Promise<Transport> {
  const used = shared.get(text) ?? { transport: makeTransport(text, options, config), users: 0 };
  shared.set(text, used);
  used.users += 1;
  const leave = (): boolean => {
    used.users -= 1;
    return used.users === 0 && shared.delete(text);
  };
  try {
    const transport = await used.transport;
    return share(transport, async () => {
      if (leave()) await transport.close();
    });
  } catch (error) {
    leave();
    throw error;
  }
}

/**
 * Forwards to a transport; closing it ends its own consumers and listeners. An error of a driver that is none of Portico's is the cause of
 * one: `DeliveryUnknown` of a publish, else `DeliveryFailure`.
 */
function share(transport: Transport, release: () => Promise<void>): Transport {
  const consumers = new Set<TransportConsumer>();
  const listeners = new Set<() => void>();
  let closing: Promise<void> | undefined;

  const told = async <T>(
    work: () => Promise<T>,
    Kind: typeof DeliveryFailure | typeof DeliveryUnknown = DeliveryFailure,
  ): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof PorticoError) throw cause;
      throw new Kind({ message: `${transport.name}: ${errorText(cause)}`, cause });
    }
  };
  const own = async <T extends TransportConsumer>(begin: () => Promise<T>): Promise<T> => {
    const consumer = await told(begin);
    if (closing !== undefined) {
      await consumer.cancel();
      throw new DeliveryFailure({ message: `${transport.name} was closed before it started to consume` });
    }
    consumers.add(consumer);
    const cancel = async (): Promise<void> => {
      await consumer.cancel();
      consumers.delete(consumer);
    };
    return { ...consumer, cancel };
  };
  const close = async (): Promise<void> => {
    for (const forget of listeners) forget();
    await Promise.all([...consumers].map((consumer) => consumer.cancel()));
    await release();
  };

  return {
    get state() {
      return closing === undefined ? transport.state : 'closed';
    },
    name: transport.name,
    driver: transport,
    onState(listener) {
      const forget = transport.onState(listener);
      listeners.add(forget);
      return () => {
        listeners.delete(forget);
        forget();
      };
    },
    connect: (signal, retry) => told(() => transport.connect(signal, retry)),
    publish: (to, message, options) => told(() => transport.publish(to, message, options), DeliveryUnknown),
    consume: (route, options, onDelivery) => own(() => transport.consume(route, options, onDelivery)),
    declareQueue: (route) => told(() => transport.declareQueue(route)),
    consumeReplies: (onMessage) => own(() => transport.consumeReplies(onMessage)),
    // Its errors may be those of `take`.
    eachDeadLetter: (exchange, take) => transport.eachDeadLetter(exchange, take),
    removeQueue: (route) => told(() => transport.removeQueue(route)),
    hasConsumer: (queue) => told(() => transport.hasConsumer(queue)),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
