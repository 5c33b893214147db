/**
 * Listening sockets of a parent of workers, kept over reloads by address, each with the services that hold it (as Caddy's listener pool).
 * A service that replaces another one finds the socket here; the last holder closes it. An address in use is tried again for a while.
 */
import { lookup } from 'node:dns/promises';
import { isIP, SocketAddress } from 'node:net';
import { resolve } from 'node:path';
import type { Location, PorticoError } from '../../errors/index.js';
import type { ListenAddress } from '../../service/index.js';
import { BindError, formatAddress } from '../../service/internal.js';
import { pause } from '../../tasks/internal.js';
import {
  type AddressOwner,
  addressRefused,
  bindFailure,
  type ListenSockets,
  openListenSockets,
} from './listen-sockets.js';

/** Interval between attempts to bind an address that is about to be free. */
const RETRY_MS = 50;

/** A service that requests sockets. */
export interface Newcomer {
  readonly name: string;
  readonly addresses: readonly ListenAddress[];
  /** Location of its addresses in the configuration. */
  readonly location?: Location | undefined;
  /** Sockets that a service manager opened for it, one for each address. */
  readonly passed?: readonly ListenSockets[] | undefined;
}

/** The reload that adds a service. */
export interface Arrival {
  /** Services that the reload removes. Their sockets may be held at the same time. */
  readonly leaving: readonly string[];
  /** Running services that stay. */
  readonly staying: readonly string[];
  /** Services that an earlier reload removed, and whose workers still drain. */
  readonly draining: readonly { readonly name: string; readonly sockets: readonly ListenSockets[] }[];
  /** Milliseconds to wait for the addresses of draining services. */
  readonly patienceMs?: number;
  /** Aborted when nothing may be opened any more. */
  readonly stopped?: AbortSignal;
}

/** A launch, in which no service leaves. */
const LAUNCH: Arrival = { leaving: [], staying: [], draining: [] };

/** Sockets of one service. */
export interface HeldSockets {
  /** One for each address, in order. */
  readonly sockets: readonly ListenSockets[];
  /** Other services that hold one of them, with its address. */
  readonly others: readonly { readonly name: string; readonly address: ListenAddress }[];
  /**
   * Closes the sockets that no other service holds. `closing` settles when its workers accept no more connections. The path of a unix socket
   * stays until then: connections come by the path, while those of a port come by the workers' descriptors.
   */
  release(closing?: Promise<unknown>): void;
}

/** One address of the pool. */
interface Entry {
  /** Same for all spellings of the address; undefined if unknown. */
  readonly key: string | undefined;
  readonly sockets: ListenSockets;
  /** Names of the services that hold it, in the order of arrival. */
  readonly holders: Set<string>;
  /** Number of former holders whose workers still accept connections by its path. */
  leaving: number;
}

/** Binds an address. */
export type OpenSockets = typeof openListenSockets;

/** Open sockets, by address. */
export class ListenerPool {
  readonly #entries = new Set<Entry>();
  readonly #open: OpenSockets;

  constructor(open: OpenSockets = openListenSockets) {
    this.#open = open;
  }

  /**
   * Returns the sockets of a service's addresses: open ones if all their holders leave, otherwise newly bound ones.
   * Rejects with the system's code if an address is not available; in a reload with `PORTICO_ADDRESS_TAKEN`, which
   * names the service that holds it.
   */
  async hold(newcomer: Newcomer, arrival: Arrival = LAUNCH): Promise<HeldSockets> {
    const { name, addresses, passed } = newcomer;
    const entries: Entry[] = [];
    const held = this.#held(name, entries);
    for (const [at, address] of addresses.entries()) {
      try {
        const entry = passed === undefined ? await this.#find(newcomer, address, arrival) : await newEntry(passed[at]!);
        entry.holders.add(name);
        this.#entries.add(entry);
        entries.push(entry);
      } catch (error) {
        held.release();
        const isTaken = arrival !== LAUNCH && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        throw isTaken ? await this.#refusal(newcomer, address, arrival, error) : error;
      }
    }
    return held;
  }

  #held(name: string, entries: readonly Entry[]): HeldSockets {
    let isReleased = false;
    return {
      get sockets() {
        return entries.map(({ sockets }) => sockets);
      },
      get others() {
        return entries.flatMap(({ holders, sockets: { address } }) =>
          [...holders].filter((each) => each !== name).map((each) => ({ name: each, address })),
        );
      },
      release: (closing) => {
        // Done once: another service of that name may hold them by then.
        if (isReleased) return;
        isReleased = true;
        for (const entry of entries) if (entry.holders.delete(name)) this.#released(entry, closing);
      },
    };
  }

  #released(entry: Entry, closing: Promise<unknown> | undefined): void {
    if (closing === undefined || !hasFile(entry.sockets.address)) {
      this.#closeUnheld(entry);
      return;
    }
    entry.leaving += 1;
    void closing.then(() => {
      entry.leaving -= 1;
      this.#closeUnheld(entry);
    });
  }

  #closeUnheld(entry: Entry): void {
    const { holders, leaving, sockets } = entry;
    if (holders.size > 0 || leaving > 0) return;
    this.#entries.delete(entry);
    sockets.close();
  }

  async #find(newcomer: Newcomer, address: ListenAddress, arrival: Arrival): Promise<Entry> {
    const key = await identity(address);
    const known = (): readonly Entry[] => [...this.#entries].filter((entry) => key !== undefined && entry.key === key);
    const open = known().find(({ holders }) => holders.size > 0);
    if (open === undefined) {
      // A path without a holder still has workers that accept by it. As on a port, the newcomer waits for their end.
      const free = (): Promise<ListenSockets> =>
        known().length > 0 ? Promise.reject(new BindError('EADDRINUSE', address)) : this.#open(address);
      return newEntry(await bind(free, address, arrival));
    }
    const stays = [...open.holders].some((each) => !arrival.leaving.includes(each));
    if (stays) throw await this.#refusal(newcomer, address, arrival);
    return open;
  }

  async #refusal(
    owner: AddressOwner,
    address: ListenAddress,
    arrival: Arrival,
    cause?: unknown,
  ): Promise<PorticoError> {
    const { name } = owner;
    const shown = formatAddress(address);
    const wants = `${name} wants ${shown}`;
    for (const { sockets, holders } of this.#entries) {
      if (holders.size === 0 || !(await overlap(sockets.address, address))) continue;
      const other = formatAddress(sockets.address);
      const isOf = (names: readonly string[]): string | undefined => names.find((each) => holders.has(each));
      const stays = isOf(arrival.staying);
      if (stays !== undefined) {
        const hint = 'Change one of the addresses. An address in use can only be moved by a restart.';
        return taken(owner, `${wants}: ${stays} listens on ${other}, and stays`, hint, cause);
      }
      const rival = [...holders].find((each) => !arrival.leaving.includes(each));
      if (rival !== undefined) {
        return taken(owner, `${wants}, and ${rival} ${other}`, 'Change one of the addresses.', cause);
      }
      const leaves = isOf(arrival.leaving);
      const hint = `Only exactly the same address can be handed over. Give it to ${name}, or remove ${leaves} first and add ${name} in another reload.`;
      return taken(owner, `${wants}: ${leaves}, which this reload removes, listens on ${other}`, hint, cause);
    }
    const drains = await among(arrival.draining, address);
    if (drains === undefined) return bindFailure(owner, cause);
    const message = `${wants}: ${drains[0]}, which an earlier reload removed, still drains on ${drains[1]}`;
    return taken(owner, message, 'Reload again when its last worker has ended.', cause);
  }
}

async function newEntry(sockets: ListenSockets): Promise<Entry> {
  return { key: await identity(sockets.address), sockets, holders: new Set(), leaving: 0 };
}

/** The address of a service that has just left becomes free shortly. */
async function bind(
  open: () => Promise<ListenSockets>,
  address: ListenAddress,
  arrival: Arrival,
): Promise<ListenSockets> {
  const { draining, patienceMs = 0, stopped } = arrival;
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      const over = performance.now() > giveUpAt || stopped?.aborted === true;
      if (!inUse || over || (await among(draining, address)) === undefined) throw error;
      await pause(RETRY_MS, { signal: stopped });
    }
  }
}

/** Returns the first of these on the address, or on one that conflicts with it, and its address. */
async function among(
  services: Arrival['draining'],
  address: ListenAddress,
): Promise<readonly [name: string, shown: string] | undefined> {
  for (const { name, sockets } of services) {
    for (const own of sockets) {
      if (await overlap(own.address, address)) return [name, formatAddress(own.address)];
    }
  }
  return undefined;
}

function taken({ location }: AddressOwner, message: string, hint: string, cause?: unknown): PorticoError {
  return addressRefused(location, { code: 'PORTICO_ADDRESS_TAKEN', message, hint, cause });
}

/** Reports whether an address is a file: a unix socket that is not abstract. */
function hasFile(address: ListenAddress): boolean {
  return 'path' in address && !address.path.startsWith('\0');
}

/** Returns one text for all spellings of an address; undefined for port 0 and unknown hosts. */
async function identity(address: ListenAddress): Promise<string | undefined> {
  if ('path' in address) return address.path.startsWith('\0') ? address.path : resolve(address.path);
  if (address.port === 0) return undefined;
  const host = await numeric(address.host);
  return host === undefined ? undefined : `${host} ${address.port}`;
}

async function numeric(host: string): Promise<string | undefined> {
  try {
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    return new SocketAddress({ address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }).address;
  } catch {
    return isIP(host) === 0 ? undefined : host;
  }
}

/** Reports whether a listener on one address prevents listeners on the other. */
async function overlap(one: ListenAddress, other: ListenAddress): Promise<boolean> {
  if ('path' in one || 'path' in other) return (await identity(one)) === (await identity(other));
  if (one.port !== other.port) return false;
  const hosts = [await numeric(one.host), await numeric(other.host)];
  return hosts[0] === hosts[1] || hosts.includes('0.0.0.0') || hosts.includes('::');
}
