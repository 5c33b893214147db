/**
 * `--trace-errors`: an API that shows where its application threw.
 */
import { WSGIService } from '../server/index.js';

/** A `WSGIService` that writes the stack of a failed start's cause to standard error, in the process where it happened. */
export class TracedService extends WSGIService {
  override async start(): Promise<void> {
    try {
      await super.start();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      if (cause instanceof Error) process.stderr.write(`${cause.stack ?? cause.message}\n`);
      throw error;
    }
  }
}
