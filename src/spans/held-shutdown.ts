/**
 * Holds back the shutdown of an OpenTelemetry SDK until a stop is over. Programs listen to SIGTERM and shut the SDK down at once, as
 * `@opentelemetry/auto-instrumentations-node/register` does: spans of requests under way would end too late to be exported.
 */
import { registeredProvider } from './span-maker.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export class HeldShutdown {
  readonly #isStopping: () => boolean;
  #restore: (() => void) | undefined;
  #held: (() => Promise<void>) | undefined;
  /** The program's listeners to a signal are being called. */
  #inSignal = false;

  /** `isStopping`: whether a stop is under way. */
  constructor(isStopping: () => boolean) {
    this.#isStopping = isStopping;
  }

  /** Takes the shutdown of the SDK that is registered by now, if one is. Done once. */
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
      // Other code shuts it down when it wants to: a service's own `stop()` would wait for itself.
      return this.#inSignal ? this.#asked(run) : run();
    };
  }

  /** The launcher acts on a signal: a shutdown from now on is asked for by other code than a listener of the program. */
  heard(): void {
    this.#inSignal = false;
  }

  /** Begins the shutdown that was held back, if one was. Settles once it has ended; never rejects. */
  async release(): Promise<void> {
    this.#restore?.();
    await Promise.allSettled([this.#held?.()]);
  }

  /** One that is held back never settles: its caller may be about to end the process, with its own status. */
  async #asked(shutdown: () => Promise<void>): Promise<void> {
    // All listeners to a signal run in one turn of the loop; the launcher's begins the stop, and may come last.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    if (!this.#isStopping()) return shutdown();
    this.#held = shutdown;
    return new Promise(() => undefined);
  }
}
