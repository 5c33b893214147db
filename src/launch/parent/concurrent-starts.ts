/**
 * Concurrent starts of several services. After the first failure, the start waits until each service is built, and then
 * briefly for the other starts, so that one error reports every failure.
 */
import {
  ConfigurationRefused,
  chosenStatus,
  type Diagnostic,
  describeError,
  errorText,
  PorticoError,
  severalRefusals,
} from '../../errors/index.js';
import type { Clock } from '../../tasks/index.js';
import { systemClock, within } from '../../tasks/internal.js';

/** The time that all services have to be built after the first failure: each first worker reports the errors of its build. */
const BUILT_MS = 10_000;
/** The time that the other starts have to fail after that. */
const OTHERS_MS = 2000;

export class ConcurrentStarts {
  readonly #clock: Clock;
  readonly #all: Promise<void>[] = [];
  readonly #builds: Promise<unknown>[] = [];
  readonly #failures: unknown[] = [];

  /** `clock`: for tests. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Settles with this start; `built` settles before it. If the start fails, rejects with all failures: after all builds
   * have settled, or 10 s, and then all starts, or 2 s; at once at a stop.
   */
  async add(start: Promise<void>, stopped: AbortSignal, built: Promise<unknown> = Promise.resolve()): Promise<void> {
    this.#all.push(start);
    this.#builds.push(built);
    try {
      await start;
    } catch (error) {
      this.#failures.push(error);
      const common = { clock: this.#clock, signal: stopped };
      await within(Promise.allSettled(this.#builds), { ...common, ms: BUILT_MS });
      if (!stopped.aborted) await within(Promise.allSettled(this.#all), { ...common, ms: OTHERS_MS });
      throw together(this.#failures);
    }
  }
}

/**
 * Joins failures into one error, each once, ordered by location. Returns a single failure unchanged, and the first one if
 * it determines the exit status.
 */
export function together(failures: readonly unknown[]): unknown {
  const [first, ...others] = new Map(failures.map((error) => [describeError(error), error])).values();
  if (others.length === 0 || chosenStatus(first) !== undefined) return first;
  const blames = failures.some((error) => error instanceof ConfigurationRefused && error.blamesConfiguration);
  return severalRefusals([first, ...others].flatMap(diagnosticsOf), { blames });
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  if (error instanceof PorticoError) return error.diagnostics;
  return [{ severity: 'error', code: 'PORTICO_START_FAILED', message: errorText(error) }];
}
