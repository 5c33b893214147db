/** Requests in progress in one worker, as its watch thread reports them: also known of a worker that is stuck or gone. */
import type { HeldRequest, ToParent } from '../worker-message.js';

/** Age from which a request is reported. */
const TOLD_AFTER_MS = 250;

export class HeldRequests {
  /** Number of requests, including younger ones. */
  count = 0;
  /** Requests that have been in progress for a while, by slot. */
  readonly #held = new Map<number, { readonly head: string; readonly since: number }>();

  note({ came, left, count }: Pick<Extract<ToParent, { kind: 'inHand' }>, 'came' | 'left' | 'count'>): void {
    for (const slot of left) this.#held.delete(slot);
    const since = performance.now() - TOLD_AFTER_MS;
    for (const [slot, head] of came) this.#held.set(slot, { head, since });
    this.count = count;
  }

  /** Returns the requests that have been in progress for a quarter of a second or longer, oldest first. */
  list(): HeldRequest[] {
    const now = performance.now();
    const all = [...this.#held.values()].map(({ head, since }) => {
      const [method = '', path = ''] = head.split(' ', 2);
      return { method, path, ageMs: Math.round(now - since) };
    });
    return all.sort((a, b) => b.ageMs - a.ageMs);
  }
}
