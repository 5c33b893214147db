/**
 * The sockets of services that a reload removes, for those that come in their place: while one process after another
 * listens on a socket, no connection to it is refused.
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

/** A service that has sockets. */
export interface SocketHolder {
  readonly name: string;
  readonly sockets: readonly ListenSockets[];
}

/** One that a reload removes. */
export interface LeavingHolder extends SocketHolder {
  /** These belong from now on to another service, which serves on them already. */
  handOver(sockets: ListenSockets): void;
}

/** The services that a reload concerns. */
export interface HandoverParties {
  readonly leaving: readonly LeavingHolder[];
  /** Services that go on. */
  readonly staying: readonly SocketHolder[];
  /** Services that an earlier reload removed, and whose workers still drain. */
  readonly draining: readonly SocketHolder[];
  /** How long those may still take until they listen no more, in milliseconds: so long their addresses are waited for. */
  readonly patienceMs?: number;
  /** Raised when nothing is to be opened any more. */
  readonly stopped?: AbortSignal;
}

/** A service that comes. */
export interface Newcomer {
  readonly name: string;
  readonly addresses: readonly ListenAddress[];
  /** How many sockets of its own an address is to have; 0: one for all workers. */
  readonly slots: number;
  /** Where the configuration sets its addresses. */
  readonly place?: string | undefined;
}

/** One list of sockets that was lent. */
interface Loan {
  readonly from: LeavingHolder;
  readonly to: string;
  readonly sockets: ListenSockets;
  /** The reload was accepted: they are the new holder's own. */
  owned: boolean;
}

/**
 * Lends the sockets of services that leave to those that come, and hands them over when the reload is accepted. Until
 * then both listen on them, and closing what was lent closes nothing.
 */
export class Handover {
  readonly #parties: HandoverParties;
  #loans: readonly Loan[] = [];
  /** What those who came have so far. */
  readonly #opened: SocketHolder[] = [];

  constructor(parties: HandoverParties) {
    this.#parties = parties;
  }

  /**
   * The sockets of a service's addresses: those of a service that leaves where it has the very address, others bound anew.
   * Rejects with `PORTICO_ADDRESS_TAKEN`, which names the service that has it, when an address cannot be taken.
   */
  async borrowOrBind({ name, addresses, slots, place }: Newcomer): Promise<readonly ListenSockets[]> {
    const loans = await Promise.all(addresses.map((address) => this.#lend(name, address)));
    // All addresses of a service have equally many: a worker finds its own by its number.
    const lent = Math.max(0, ...loans.map((loan) => loan?.sockets.descriptors.length ?? 0));
    const open: ListenSockets[] = [];
    try {
      for (const [at, address] of addresses.entries()) {
        const loan = loans[at];
        if (loan === undefined) open.push(await this.#bind(address, slots === 0 ? 0 : lent || slots));
        else if (slots === 0 && lent > 1) throw unfit(name, address, loan.from);
        else open.push(borrowed(loan, address));
      }
    } catch (error) {
      for (const socket of open) socket.close();
      const address = addresses[open.length]!;
      this.#loans = this.#loans.filter(({ to }) => to !== name);
      throw error instanceof PorticoError ? error : await this.#refusal({ name, place }, address, error as Error);
    }
    const all = open.map((sockets) => ({ ...sockets, descriptors: spread(sockets.descriptors, lent) }));
    this.#opened.push({ name, sockets: all });
    return all;
  }

  /** The reload was accepted: what was lent belongs to those who came. Gives each address that changed hands. */
  complete(): { readonly address: ListenAddress; readonly from: string; readonly to: string }[] {
    const loans = this.#loans;
    this.#loans = [];
    return loans.map((loan) => {
      const { from, to, sockets } = loan;
      loan.owned = true;
      from.handOver(sockets);
      return { address: sockets.address, from: from.name, to };
    });
  }

  /** Others serve on what this service has, and go on should it end. */
  lentTo(name: string): boolean {
    return this.#loans.some(({ to }) => to === name);
  }

  /** An address that a service has just left is free in a moment. */
  async #bind(address: ListenAddress, slots: number): Promise<ListenSockets> {
    const { draining, patienceMs = 0, stopped } = this.#parties;
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

  async #lend(to: string, address: ListenAddress): Promise<Loan | undefined> {
    const wanted = await identity(address);
    if (wanted === undefined) return undefined;
    for (const from of this.#parties.leaving) {
      for (const sockets of from.sockets) {
        if ((await identity(sockets.address)) !== wanted) continue;
        if (this.#loans.some((loan) => loan.sockets === sockets)) continue;
        const loan: Loan = { from, to, sockets, owned: false };
        this.#loans = [...this.#loans, loan];
        return loan;
      }
    }
    return undefined;
  }

  async #refusal(owner: AddressOwner, address: ListenAddress, cause: Error): Promise<PorticoError> {
    const { name } = owner;
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') return bindFailure(owner, cause);
    const { leaving, staying, draining } = this.#parties;
    const shown = formatAddress(address);
    const rival = await among(this.#opened, address);
    const stays = await among(staying, address);
    const drains = await among(draining, address);
    const leaves = await among(leaving, address);
    if (rival !== undefined) {
      return taken(`${name} wants ${shown}, and ${rival[0]} ${rival[1]}`, 'Give one of them another address.', cause);
    }
    if (stays !== undefined) {
      const hint = 'Give one of them another address; one that is in use moves with a restart only.';
      return taken(`${name} wants ${shown}: ${stays[0]} listens on ${stays[1]}, and stays`, hint, cause);
    }
    if (leaves !== undefined) {
      const message = `${name} wants ${shown}: ${leaves[0]}, which this reload removes, listens on ${leaves[1]}`;
      const hint = `Only the very same address can be handed over. Give ${name} that, or remove ${leaves[0]} first and add ${name} in another reload.`;
      return taken(message, hint, cause);
    }
    if (drains !== undefined) {
      const message = `${name} wants ${shown}: ${drains[0]}, which an earlier reload removed, still drains on ${drains[1]}`;
      return taken(message, 'Reload again when its last worker has ended.', cause);
    }
    return bindFailure(owner, cause);
  }
}

/** The first holder of the address, or of one that conflicts with it, and that address. */
async function among(
  holders: readonly SocketHolder[],
  address: ListenAddress,
): Promise<readonly [name: string, shown: string] | undefined> {
  for (const { name, sockets } of holders) {
    for (const own of sockets) {
      if (await overlap(own.address, address)) return [name, formatAddress(own.address)];
    }
  }
  return undefined;
}

function borrowed(loan: Loan, address: ListenAddress): ListenSockets {
  const { sockets } = loan;
  const close = (): void => {
    if (loan.owned) sockets.close();
  };
  return { address, descriptors: sockets.descriptors, close };
}

/** So many of them, in turn: where another address of the service has more. */
function spread(descriptors: readonly number[], count: number): readonly number[] {
  if (descriptors.length >= count) return descriptors;
  return Array.from({ length: count }, (_, at) => descriptors[at % descriptors.length]!);
}

function unfit(name: string, address: ListenAddress, from: SocketHolder): PorticoError {
  return taken(
    `${name} wants ${formatAddress(address)}: ${from.name} has one socket for each worker there, and ${name} cannot share them`,
    `A service with adoptSockets can. Or remove ${from.name} first and add ${name} in another reload.`,
  );
}

function taken(message: string, hint: string | undefined, cause?: unknown): PorticoError {
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
