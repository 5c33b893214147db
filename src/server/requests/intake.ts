/**
 * Requests that come during a restart in place: held, in the order they came, for the app that follows.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange } from '../connections/connections.js';

/** Holds requests while paused. */
export class Intake {
  readonly #run: (exchange: Exchange) => void;
  /** What is held, each with what hands it on in its own async context. */
  readonly held = new Map<Exchange, () => void>();
  /** Holds what comes. */
  paused = false;

  /** `run` is called for each request that was held, once that is over. */
  constructor(run: (exchange: Exchange) => void) {
    this.#run = run;
  }

  hold(exchange: Exchange): void {
    const inItsContext = AsyncLocalStorage.snapshot();
    this.held.set(exchange, () => inItsContext(() => this.#run(exchange)));
  }

  /** Hands on what was held. The app may close the connections of others as it takes the first: these leave by then. */
  resume(): void {
    this.paused = false;
    for (const [exchange, hand] of this.held) {
      this.held.delete(exchange);
      hand();
    }
  }
}
