/** Pretended sockets of the parent: bound addresses, one descriptor for each. */
import type { SendHandle } from 'node:child_process';
import type { ListenAddress } from 'portico/service';
import type { ListenSockets } from '../../../dist/launch/sockets/listen-sockets.js';

export class PretendedSockets {
  /** Open descriptors of the parent, each with its address. */
  readonly open = new Map<number, string>();
  /** Descriptors that a worker has listened on: clients may wait in them. */
  readonly listened = new Set<number>();
  /** Addresses of another process. */
  readonly foreign = new Set<string>();
  readonly #heldByWorkers: (descriptor: number) => boolean;
  /** Addresses of all descriptors ever opened. */
  readonly #addresses = new Map<number, string>();
  #last = 1_000_000;

  /** `heldByWorkers`: reports whether a live worker has a copy of a descriptor. */
  constructor(heldByWorkers: (descriptor: number) => boolean) {
    this.#heldByWorkers = heldByWorkers;
  }

  readonly bind = async (address: ListenAddress): Promise<ListenSockets> => {
    const key = JSON.stringify(address);
    const used = [...this.#addresses].some(
      ([descriptor, other]) => other === key && (this.open.has(descriptor) || this.#heldByWorkers(descriptor)),
    );
    if (used || this.foreign.has(key)) throw Object.assign(new Error(`${key} is in use`), { code: 'EADDRINUSE' });
    const descriptor = ++this.#last;
    this.open.set(descriptor, key);
    this.#addresses.set(descriptor, key);
    const close = (): void => void this.open.delete(descriptor);
    const sendable = (fd: number): SendHandle => ({ fd }) as unknown as SendHandle;
    return { address, descriptor, close, sendable };
  };
}
