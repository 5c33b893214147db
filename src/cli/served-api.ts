/**
 * An API of `api-cli` in the worker that serves it.
 */
import type { Config } from '../config/index.js';
import { PasteError } from '../loader/index.js';
import { WSGIService, type WSGIServiceOptions } from '../server/index.js';
import { hasNearName, unknownSections } from '../server/internal.js';
import { othersMayRead } from './judge.js';
import { registerShippedOptions } from './shipped-options.js';

/** An API of `api-cli`. */
export class ServedApi extends WSGIService {
  readonly #config: Config;
  readonly #traceErrors: boolean;

  constructor(name: string, config: Config, options: WSGIServiceOptions & { readonly traceErrors: boolean }) {
    const { traceErrors, ...rest } = options;
    // The parent checks its names.
    super(name, config, { ...rest, judged: true });
    this.#config = config;
    this.#traceErrors = traceErrors;
  }

  /** Sections of all shipped parts are known, whether this API uses them or not. */
  override readonly unknownSections = async (config: Config = this.#config) => {
    const path = this.pasteFile;
    const found = await unknownSections(config, this.name, { path, declare: registerShippedOptions });
    if (found === undefined || found.length === 0 || !(await othersMayRead(config.copy()))) return found;
    return found.filter(hasNearName);
  };

  /** With `--trace-errors` the stacks of a failed start's causes are written in the process where it happened. */
  override async start(): Promise<void> {
    try {
      await super.start();
    } catch (error) {
      const errors = error instanceof PasteError ? [error, ...error.others] : [error];
      if (this.#traceErrors) for (const each of errors) writeStack(each);
      throw error;
    }
  }
}

function writeStack(error: unknown): void {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error) process.stderr.write(`${cause.stack ?? cause.message}\n`);
}
