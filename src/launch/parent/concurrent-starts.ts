/**
 * Starts of several services at the same time. The first failure waits a moment for the others, which may fail too: one error tells all.
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

/** After a failure: how long the others may take to report theirs. */
const OTHERS_MS = 2000;

export class ConcurrentStarts {
  readonly #all: Promise<void>[] = [];
  readonly #failures: unknown[] = [];

  /** Settles as this start. When it fails, it rejects once all have settled, 2 s later, or at a stop, with all failures until then. */
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

/** Failures as one error, each once, by place. One alone is left as it is, and so is the first where it chooses the exit status. */
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
