/**
 * Handing requests to the app. Over a restart in place they are held, in the order they came, for the app that follows.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange } from '../connections/connections.js';

/** Hands on requests, or holds them while paused. */
export class Intake {
  readonly #run: (exchange: Exchange) => void;
  /** What is held, each with what hands it on in its own async context. */
  readonly #held = new Map<Exchange, () => void>();
  #paused = false;
  #atWork = 0;

  /** `run` is called for each request as it is handed on. */
  constructor(run: (exchange: Exchange) => void) {
    this.#run = run;
  }

  /** Requests that were handed on and are not done. */
  get atWork(): number {
    return this.#atWork;
  }

  /** Holds what comes. */
  get paused(): boolean {
    return this.#paused;
  }

  enter(exchange: Exchange): void {
    if (!this.#paused) this.#hand(exchange);
    else {
      const inItsContext = AsyncLocalStorage.snapshot();
      this.#held.set(exchange, () => inItsContext(() => this.#hand(exchange)));
    }
  }

  /** Counts a request out, whether it was handed on or still held. */
  leave(exchange: Exchange): void {
    if (exchange.admitted) {
      exchange.admitted = false;
      this.#atWork--;
    } else this.#held.delete(exchange);
  }

  /** Holds what comes from now on; what is at work goes on. */
  pause(): void {
    this.#paused = true;
  }

  /** Hands on what was held. The app may close the connections of others as it takes the first: these leave by then. */
  resume(): void {
    this.#paused = false;
    for (const [exchange, hand] of this.#held) {
      this.#held.delete(exchange);
      hand();
    }
  }

  #hand(exchange: Exchange): void {
    exchange.admitted = true;
    this.#atWork++;
    this.#run(exchange);
  }
}
