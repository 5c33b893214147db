/**
 * Delays the shutdown of an OpenTelemetry SDK until a stop has ended. Applications such as
 * `@opentelemetry/auto-instrumentations-node/register` shut the SDK down on SIGTERM at once: spans of requests in flight would end too
 * late to be exported.
 */
import { registeredProvider } from './registered-provider.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export class HeldShutdown {
  readonly #isStopping: () => boolean;
  #restore: (() => void) | undefined;
  #held: (() => Promise<void>) | undefined;
  /** True while the application's listeners for a signal are called. */
  #inSignal = false;

  /** `isStopping`: reports whether a stop is in progress. */
  constructor(isStopping: () => boolean) {
    this.#isStopping = isStopping;
  }

  /** Replaces the shutdown of the registered SDK, if there is one. Later calls have no effect. */
  take(): void {
    const provider = registeredProvider();
    const shutdown = provider?.shutdown;
    if (provider === undefined || shutdown === undefined || this.#restore !== undefined) return;
    const mark = (): void => {
      this.#inSignal = true;
      queueMicrotask(() => this.heard());
    };
    for (const signal of SIGNALS) process.prependListener(signal, mark);
    this.#restore = () => {
      provider.shutdown = shutdown;
      for (const signal of SIGNALS) process.off(signal, mark);
    };
    provider.shutdown = () => {
      const run = (): Promise<void> => shutdown.call(provider);
      // Other code may shut the SDK down at any time: delaying it there would let a service's own `stop()` wait for itself.
      return this.#inSignal ? this.#asked(run) : run();
    };
  }

  /** Called when the launcher handles a signal: later shutdowns are not from a signal listener of the application. */
  heard(): void {
    this.#inSignal = false;
  }

  /** Runs the delayed shutdown, if any. Settles when it has ended; never rejects. */
  async release(): Promise<void> {
    this.#restore?.();
    await Promise.allSettled([this.#held?.()]);
  }

  /** Runs or delays the shutdown. A delayed one never settles, because its caller might then end the process, with its own status. */
  async #asked(shutdown: () => Promise<void>): Promise<void> {
    // All listeners for a signal run in one turn of the event loop; the launcher's starts the stop and may run last.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    if (!this.#isStopping()) return shutdown();
    this.#held = shutdown;
    return new Promise(() => undefined);
  }
}
