/**
 * The requests in flight of this process, in memory shared with its watch thread. They are known while the main thread is blocked, and
 * to the parent after the process has ended.
 */

/** The number of requests that are tracked at a time; further ones are served but not named. */
export const SLOTS = 1024;
/** The maximum length of a request line, which is the method and the path without its query, in characters. */
export const HEAD = 128;

/**
 * The shared memory, as the main thread and the watch thread see it. `ConnectionList` of `src/server/connections` writes the arrays
 * directly, because a call would add to the cost of each request.
 */
export class RequestsInHand {
  /** By slot: the number of its request, from 1; 0 if the slot is free. */
  readonly serials: Int32Array;
  /** By slot: the length of the request line in characters. */
  readonly lengths: Uint8Array;
  /** The request lines in latin1, one slot after another. */
  readonly heads: Uint8Array;
  /** The free slots. */
  readonly free = Array.from({ length: SLOTS }, (_, at) => at);
  /** The number of the latest request. */
  serial = 0;
  /** True before the first request, and while the process is idle: the next request calls {@link woken}. */
  atRest = false;
  woken: () => void = () => undefined;

  constructor() {
    const memory = new SharedArrayBuffer(SLOTS * (4 + 1 + HEAD));
    this.serials = new Int32Array(memory, 0, SLOTS);
    this.lengths = new Uint8Array(memory, SLOTS * 4, SLOTS);
    this.heads = new Uint8Array(memory, SLOTS * 5, SLOTS * HEAD);
  }

  /** Reports whether no request is in flight. */
  get idle(): boolean {
    return this.free.length === SLOTS;
  }
}

/** The requests of this process. */
export const requestsInHand = new RequestsInHand();
