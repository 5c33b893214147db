/** Requests in progress in one worker, as its parent knows them. */
import type { HeldRequest } from '../../operating/index.js';
import { SLOTS } from '../../process/index.js';
import type { Told } from './worker-channel.js';

export class HeldRequests {
  /** By slot, as reported by the watch thread. */
  readonly #held = new Map<number, { readonly head: string; readonly since: number }>();
  /** As reported by a worker whose application ended it. */
  #left: readonly HeldRequest[] | undefined;

  /** The requests, oldest first. */
  get all(): readonly HeldRequest[] {
    if (this.#left !== undefined) return this.#left;
    const now = performance.now();
    const all = [...this.#held.values()].map(({ head, since }) => {
      const [method = '', path = ''] = head.split(' ', 2);
      return { method, path, ageMs: Math.round(now - since) };
    });
    return all.sort((a, b) => b.ageMs - a.ageMs);
  }

  note({ came, left }: Extract<Told, { kind: 'inHand' }>): void {
    for (const slot of left) this.#held.delete(slot);
    const since = performance.now();
    for (const [slot, head] of came) if (this.#held.size < SLOTS) this.#held.set(slot, { head, since });
  }

  /** Notes the requests at the end of the worker; an earlier report of the watch thread may still arrive. */
  leave(requests: readonly HeldRequest[]): void {
    this.#left = requests;
  }
}
