/**
 * The state of a transport, and those who want to hear of it.
 */
import type { TransportState } from './transport.js';

type Listener = (state: TransportState) => void;

/** Begins with `new`. */
export class TransportStates {
  readonly #listeners = new Set<Listener>();
  #current: TransportState = 'new';

  get current(): TransportState {
    return this.#current;
  }

  /** As `Transport.onState`. */
  onState(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells the listeners, where it is another one. */
  enter(state: TransportState): void {
    if (this.#current === state) return;
    this.#current = state;
    for (const listener of this.#listeners) listener(state);
  }
}
