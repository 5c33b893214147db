/**
 * An API of `api-cli` in the worker that serves it.
 */

import type { Config } from '../../config/index.js';
import { PasteError } from '../../loader/internal.js';
import { withSourceLines } from '../../process/index.js';
import { WSGIService, type WSGIServiceOptions } from '../../server/index.js';

/** Options of a {@link ServedApi}. */
interface ServedApiOptions extends WSGIServiceOptions {
  readonly traceErrors: boolean;
}

/** An API of `api-cli`. */
export class ServedApi extends WSGIService {
  readonly #traceErrors: boolean;

  constructor(name: string, config: Config, { traceErrors, ...options }: ServedApiOptions) {
    super(name, config, options);
    this.#traceErrors = traceErrors;
  }

  override prepare(next?: Config): Promise<() => Promise<void>> {
    return this.#traced(super.prepare(next));
  }

  override start(): Promise<void> {
    return this.#traced(super.start());
  }

  /** With `--trace-errors` the stacks of a failed start's causes are written in the process where it happened. */
  async #traced<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const errors = error instanceof PasteError ? [error, ...error.others] : [error];
      if (this.#traceErrors) for (const each of errors) writeStack(each);
      throw error;
    }
  }
}

function writeStack(error: unknown): void {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error) process.stderr.write(`${withSourceLines(cause.stack ?? cause.message)}\n`);
}
