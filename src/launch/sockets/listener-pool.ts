/**
 * The sockets of a parent of workers, by address, each with the services that hold it (the model is Caddy's listener pool). A service that
 * comes in the place of one that leaves finds the socket there; the last holder closes it.
 */
import { lookup } from 'node:dns/promises';
import { isIP, SocketAddress } from 'node:net';
import { resolve } from 'node:path';
import { PorticoError } from '../../errors/index.js';
import type { ListenAddress } from '../../service/index.js';
import { formatAddress } from '../../service/internal.js';
import { pause } from '../../tasks/internal.js';
import { type AddressOwner, bindFailure, type ListenSockets, openListenSockets } from './listen-sockets.js';

/** How often an address that is about to be free is tried. */
const RETRY_MS = 50;

/** A service that wants sockets. */
export interface Newcomer {
  readonly name: string;
  readonly addresses: readonly ListenAddress[];
  /** How many sockets of its own an address is to have; 0: one for all workers. */
  readonly slots: number;
  /** Place of its addresses in the configuration. */
  readonly place?: string | undefined;
  /** Those that a service manager opened for it, one for each address. */
  readonly passed?: readonly ListenSockets[] | undefined;
}

/** The reload by which a service comes. */
export interface Arrival {
  /** Services that the reload removes. Their sockets may be held beside them. */
  readonly leaving: readonly string[];
  /** Services that run and go on. */
  readonly staying: readonly string[];
  /** Services that an earlier reload removed, and whose workers still drain. */
  readonly draining: readonly { readonly name: string; readonly sockets: readonly ListenSockets[] }[];
  /** Milliseconds for which the addresses of those are waited for. */
  readonly patienceMs?: number;
  /** Raised when nothing is to be opened any more. */
  readonly stopped?: AbortSignal;
}

/** A launch, in which no service leaves. */
const LAUNCH: Arrival = { leaving: [], staying: [], draining: [] };

/** The sockets of one service. */
export interface HeldSockets {
  /** One for each address, in order. */
  readonly sockets: readonly ListenSockets[];
  /** Other services that hold one of them, with its address. */
  readonly others: readonly { readonly name: string; readonly address: ListenAddress }[];
  /** So many slots, where each worker has its own socket. Never fewer than there were: clients may wait in each, for a sibling to adopt it. */
  grow(slots: number): void;
  /** Closes those that no other service holds. */
  release(): void;
}

/** One address. */
interface Entry {
  /** The same for each way to write the address; undefined where that is not known. */
  readonly key: string | undefined;
  readonly sockets: ListenSockets;
  /** How many slots each service that holds it has asked for, in the order in which they came. */
  readonly holders: Map<string, number>;
}

/** The open sockets, by address. */
export class ListenerPool {
  readonly #entries = new Set<Entry>();

  /**
   * The sockets of a service's addresses: those that are open where all their holders leave, others bound anew. Rejects with the system's
   * code when an address cannot be had; in a reload with `PORTICO_ADDRESS_TAKEN`, which names the service that has it.
   */
  async hold(newcomer: Newcomer, arrival: Arrival = LAUNCH): Promise<HeldSockets> {
    const { name, addresses, slots, passed } = newcomer;
    const entries: Entry[] = [];
    const held = this.#held(name, entries);
    for (const [at, address] of addresses.entries()) {
      try {
        const entry = passed === undefined ? await this.#find(newcomer, address, arrival) : await newEntry(passed[at]!);
        entry.holders.set(name, slots);
        this.#entries.add(entry);
        entries.push(entry);
        entry.sockets.grow?.(slots);
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
    const others = (): { name: string; address: ListenAddress }[] =>
      entries.flatMap(({ holders, sockets: { address } }) =>
        [...holders.keys()].filter((each) => each !== name).map((each) => ({ name: each, address })),
      );
    return {
      get sockets() {
        return entries.map(({ sockets }) => sockets);
      },
      get others() {
        return others();
      },
      grow: (slots) => {
        for (const { holders, sockets } of entries) {
          const had = holders.get(name) ?? 0;
          if (had === 0 || slots <= had) continue;
          holders.set(name, slots);
          sockets.grow?.(slots);
        }
      },
      release: () => {
        // Done once: another service of that name may hold them by then.
        if (isReleased) return;
        isReleased = true;
        for (const entry of entries) if (entry.holders.delete(name)) this.#released(entry);
      },
    };
  }

  #released(entry: Entry): void {
    const { holders, sockets } = entry;
    if (holders.size > 0) return;
    this.#entries.delete(entry);
    sockets.close();
  }

  async #find(newcomer: Newcomer, address: ListenAddress, arrival: Arrival): Promise<Entry> {
    const { name, slots } = newcomer;
    const key = await identity(address);
    const open = [...this.#entries].find((entry) => key !== undefined && entry.key === key);
    if (open === undefined) return newEntry(await bind(address, slots, arrival));
    const stays = [...open.holders.keys()].some((each) => !arrival.leaving.includes(each));
    if (stays) throw await this.#refusal(newcomer, address, arrival);
    if (slots > 0 || open.sockets.descriptors.length === 1) return open;
    const [holder] = open.holders.keys();
    throw taken(
      `${name} wants ${formatAddress(address)}: ${holder} has one socket for each worker there, which ${name} cannot share`,
      `A service with adoptSockets can share them. Or remove ${holder} first and add ${name} in another reload.`,
    );
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
      if (!(await overlap(sockets.address, address))) continue;
      const other = formatAddress(sockets.address);
      const isOf = (names: readonly string[]): string | undefined => names.find((each) => holders.has(each));
      const stays = isOf(arrival.staying);
      if (stays !== undefined) {
        const hint = 'Change one of the addresses. An address in use can only be moved by a restart.';
        return taken(`${wants}: ${stays} listens on ${other}, and stays`, hint, cause);
      }
      const rival = [...holders.keys()].find((each) => !arrival.leaving.includes(each));
      if (rival !== undefined) {
        return taken(`${wants}, and ${rival} ${other}`, 'Change one of the addresses.', cause);
      }
      const leaves = isOf(arrival.leaving);
      const hint = `Only exactly the same address can be handed over. Give it to ${name}, or remove ${leaves} first and add ${name} in another reload.`;
      return taken(`${wants}: ${leaves}, which this reload removes, listens on ${other}`, hint, cause);
    }
    const drains = await among(arrival.draining, address);
    if (drains === undefined) return bindFailure(owner, cause);
    const message = `${wants}: ${drains[0]}, which an earlier reload removed, still drains on ${drains[1]}`;
    return taken(message, 'Reload again when its last worker has ended.', cause);
  }
}

async function newEntry(sockets: ListenSockets): Promise<Entry> {
  return { key: await identity(sockets.address), sockets, holders: new Map() };
}

/** An address that a service has just left is free in a moment. */
async function bind(address: ListenAddress, slots: number, arrival: Arrival): Promise<ListenSockets> {
  const { draining, patienceMs = 0, stopped } = arrival;
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await openListenSockets(address, slots);
    } catch (error) {
      const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      const over = performance.now() > giveUpAt || stopped?.aborted === true;
      if (!inUse || over || (await among(draining, address)) === undefined) throw error;
      await pause(RETRY_MS, { signal: stopped });
    }
  }
}

/** The first of these on the address, or on one that conflicts with it, and its address. */
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

function taken(message: string, hint: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_ADDRESS_TAKEN', { message, hint, cause });
}

/** One text for one address, however it is written; undefined for a port of the system's choice, and unknown hosts. */
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

/** Whether a listener on one address keeps others from the other. */
async function overlap(one: ListenAddress, other: ListenAddress): Promise<boolean> {
  if ('path' in one || 'path' in other) return (await identity(one)) === (await identity(other));
  if (one.port !== other.port) return false;
  const hosts = [await numeric(one.host), await numeric(other.host)];
  return hosts[0] === hosts[1] || hosts.includes('0.0.0.0') || hosts.includes('::');
}
