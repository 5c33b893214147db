/**
 * The requests that this process has in hand, in memory that its watch thread reads: they are known while the main thread is
 * stuck, and by the parent when the process is gone.
 */

/** So many requests are told apart; more are served and not named. */
const SLOTS = 1024;
/** Method and path of a request, the path without its query, cut at so many characters. */
export const HEAD = 128;

/**
 * The same memory as the main thread and the watch thread see it. `ConnectionList` of `src/server/connections` writes it without
 * a call, as each request costs what it does there.
 */
export class RequestsInHand {
  /** By slot: the number of the request, counted from 1; 0 where the slot is free. */
  readonly serials: Int32Array;
  /** By slot: the characters of its head. */
  readonly lengths: Uint8Array;
  /** The heads in latin1, one slot behind the other. */
  readonly heads: Uint8Array;
  /** Slots to take. */
  readonly free = Array.from({ length: SLOTS }, (_, at) => at);
  /** The number of the latest request. */
  serial = 0;

  constructor() {
    const memory = new SharedArrayBuffer(SLOTS * (4 + 1 + HEAD));
    this.serials = new Int32Array(memory, 0, SLOTS);
    this.lengths = new Uint8Array(memory, SLOTS * 4, SLOTS);
    this.heads = new Uint8Array(memory, SLOTS * 5, SLOTS * HEAD);
  }

  /** None is at work. */
  get idle(): boolean {
    return this.free.length === SLOTS;
  }
}

/** Those of this process. */
export const requestsInHand = new RequestsInHand();
