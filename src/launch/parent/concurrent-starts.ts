/**
 * Concurrent starts of several services. After the first failure, the start waits briefly for the other services, so
 * that one error reports every failure.
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
import { within } from '../../tasks/internal.js';

/** The time that the other services have to fail after the first failure. */
const OTHERS_MS = 2000;

export class ConcurrentStarts {
  readonly #all: Promise<void>[] = [];
  readonly #failures: unknown[] = [];

  /**
   * Settles with this start. If it fails, rejects after all starts have settled, after 2 s, or at a stop, with all
   * failures until then.
   */
  async add(start: Promise<void>, stopped: AbortSignal): Promise<void> {
    this.#all.push(start);
    try {
      await start;
    } catch (error) {
      this.#failures.push(error);
      await within(Promise.allSettled(this.#all), { ms: OTHERS_MS, signal: stopped });
      throw together(this.#failures);
    }
  }
}

/**
 * Joins failures into one error, each once, ordered by place. Returns a single failure unchanged, and the first one if
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
