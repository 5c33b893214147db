/**
 * Which driver a transport URL means, and one transport for all of a process that have the same URL.
 */
import { ConfigurationRefused, nearestOrAll } from '../../errors/index.js';
import { amqpTransport } from './amqp/amqp-transport.js';
import { memoryTransport } from './memory/memory-transport.js';
import type { Transport, TransportOptions } from './transport.js';
import { TransportShare } from './transport-share.js';
import { parseTransportUrl, type TransportUrl } from './transport-url.js';

/** A driver: makes a transport that is not connected yet. */
type MakeTransport = (url: TransportUrl, options: TransportOptions) => Transport;

/** Drivers, by the scheme of their URLs. */
const DRIVERS: Readonly<Record<string, MakeTransport>> = {
  memory: memoryTransport,
  amqp: amqpTransport,
  amqps: amqpTransport,
};

/**
 * Makes the transport of a URL; it is not connected yet. Throws `PORTICO_RPC_URL` for a URL that cannot be read, or whose driver
 * there is not.
 */
export function makeTransport(text: string, options: TransportOptions): Transport {
  const url = checkTransportUrl(text);
  for (const warning of url.warnings) options.log.warn(warning);
  return DRIVERS[url.driver]!(url, options);
}

/** Reads a URL whose driver there is. Throws as {@link makeTransport}. */
export function checkTransportUrl(text: string): TransportUrl {
  const url = parseTransportUrl(text);
  if (Object.hasOwn(DRIVERS, url.driver)) return url;
  throw new ConfigurationRefused('PORTICO_RPC_URL', {
    message: `there is no transport ${url.driver}://`,
    hint: nearestOrAll(url.driver, Object.keys(DRIVERS)),
  });
}

/** The transports of this process that are shared, by URL: a connection belongs to a process and not to one of its services. */
const shared = new Map<string, { readonly transport: Transport; users: number }>();

/**
 * A share in the transport of a URL, which all of a process that ask for that URL have together; the options are those of the
 * first. Closing a share ends what was consumed through it; the transport is closed with the last. Throws as {@link makeTransport}.
 */
export function shareTransport(text: string, options: TransportOptions): Transport {
  const used = shared.get(text) ?? { transport: makeTransport(text, options), users: 0 };
  shared.set(text, used);
  used.users += 1;
  return new TransportShare(used.transport, async () => {
    used.users -= 1;
    if (used.users > 0) return;
    shared.delete(text);
    await used.transport.close();
  });
}
