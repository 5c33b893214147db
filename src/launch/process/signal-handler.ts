/**
 * The signals of one process: their listeners, in order. Owned by a launcher; there is no singleton.
 */
import { constants } from 'node:os';
import type { Logger } from '../../log/index.js';

/** Called with the name of the signal that came (`SIGTERM`) and its number. */
export type SignalListener = (name: string, number: number) => unknown;

/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(name: string, listener: () => void): unknown;
  off(name: string, listener: () => void): unknown;
}

/** True for a signal this platform knows; `SIG_BLOCK` and the like are no signals. */
export function isSignalSupported(name: string): boolean {
  return Object.hasOwn(constants.signals, name);
}

/**
 * Calls listeners when a signal comes, the one added last first, as exit hooks run. A listener that throws or rejects is
 * logged and the others still run. Only listeners that came through this object are ever removed from the process.
 */
export class SignalHandler {
  readonly #source: SignalSource;
  readonly #log: Logger | undefined;
  readonly #listeners = new Map<string, SignalListener[]>();
  readonly #installed = new Map<string, () => void>();

  constructor(options: { source?: SignalSource; log?: Logger } = {}) {
    this.#source = options.source ?? (process as unknown as SignalSource);
    this.#log = options.log;
  }

  isSignalSupported(name: string): boolean {
    return isSignalSupported(name);
  }

  /**
   * Adds a listener and gives the function that takes it away. A name this platform does not know is ignored. With
   * `last` the listener runs after all others, whenever they were added: the place of a launcher's own.
   */
  addHandler(name: string, listener: SignalListener, options: { last?: boolean } = {}): () => void {
    if (!isSignalSupported(name)) return () => undefined;
    const own: SignalListener = (...args) => listener(...args);
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, options.last ? [own, ...listeners] : [...listeners, own]);
    this.#install(name);
    return () => this.#remove(name, own);
  }

  /** Adds one listener for several signals; the function it gives takes all of them away. */
  addHandlers(names: Iterable<string>, listener: SignalListener, options: { last?: boolean } = {}): () => void {
    const disposers = [...names].map((name) => this.addHandler(name, listener, options));
    return () => {
      for (const dispose of disposers) dispose();
    };
  }

  /** Forgets all listeners and leaves the signals to other listeners, or to the system's default. */
  clear(): void {
    for (const [name, deliver] of this.#installed) this.#source.off(name, deliver);
    this.#installed.clear();
    this.#listeners.clear();
  }

  #install(name: string): void {
    if (this.#installed.has(name)) return;
    const deliver = (): void => this.deliver(name);
    this.#installed.set(name, deliver);
    this.#source.on(name, deliver);
  }

  #remove(name: string, listener: SignalListener): void {
    const left = (this.#listeners.get(name) ?? []).filter((other) => other !== listener);
    this.#listeners.set(name, left);
    const deliver = this.#installed.get(name);
    if (left.length > 0 || deliver === undefined) return;
    this.#installed.delete(name);
    this.#source.off(name, deliver);
  }

  /** Calls the listeners of a signal, as if it came now. */
  deliver(name: string): void {
    const number = constants.signals[name as NodeJS.Signals];
    // A copy: a listener that clears or adds does not change this delivery.
    for (const listener of (this.#listeners.get(name) ?? []).toReversed()) {
      const failed = (error: unknown): void => {
        this.#log?.error(`a handler of ${name} failed`, { err: error });
      };
      try {
        Promise.resolve(listener(name, number)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
