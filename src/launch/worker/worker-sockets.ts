/**
 * A worker's view of the sockets it inherited: its own, those of other slots, and those it helps out with.
 */
import { closeSync } from 'node:fs';
import type { ListeningService, ListenSocket } from '../../service/index.js';
import type { InheritedSockets } from '../assignment.js';

export class WorkerSockets {
  readonly #sockets: readonly InheritedSockets[];
  readonly #slot: number;
  /** Slots whose descriptors belong to a listener by now. */
  readonly #taken = new Set<number>();
  readonly #adopted = new Map<number, Promise<(() => void) | undefined>>();
  #closed = false;

  /** `index` is the worker's: it has slot `index` modulo the number of slots. */
  constructor(sockets: readonly InheritedSockets[], index: number) {
    this.#sockets = sockets;
    this.#slot = index % (sockets[0]?.descriptors.length ?? 1);
  }

  /** The sockets of the worker's own slot, one for each address. */
  own(): ListenSocket[] {
    this.#taken.add(this.#slot);
    return this.#of(this.#slot);
  }

  /** Listens on the sockets of another slot as well: `descriptors`, one for each address, which belong to it then. */
  async adopt(service: ListeningService, slot: number, descriptors: readonly number[]): Promise<void> {
    if (this.#closed || descriptors.length < this.#sockets.length) {
      for (const descriptor of descriptors) closeSync(descriptor);
      return;
    }
    this.release(slot);
    const sockets = this.#sockets.map(({ address }, at) => ({ address, fd: descriptors[at]! }));
    const adopted = Promise.resolve(service.adoptSockets?.(sockets));
    this.#adopted.set(slot, adopted);
    await adopted;
  }

  release(slot: number): void {
    void this.#adopted.get(slot)?.then(
      (release) => release?.(),
      () => undefined,
    );
    this.#adopted.delete(slot);
  }

  /**
   * Ends what was adopted, and closes what was never used: another worker's socket held open here would go on swallowing
   * connections after that worker is gone.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const slot of this.#adopted.keys()) this.release(slot);
    for (const { descriptors } of this.#sockets) {
      for (const [slot, descriptor] of descriptors.entries()) if (!this.#taken.has(slot)) closeSync(descriptor);
    }
  }

  #of(slot: number): ListenSocket[] {
    return this.#sockets.flatMap(({ address, descriptors }) => {
      const fd = descriptors[slot];
      return fd === undefined ? [] : [{ address, fd }];
    });
  }
}
