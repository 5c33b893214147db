/** Further errors of a configuration that was refused before anything was built. */
import { Config } from '../../config/index.js';
import { refusedConfig } from '../../config/internal.js';
import { ConfigurationRefused, Refusals } from '../../errors/index.js';
import { isWorker, MORE_ERRORS_MS } from '../../launch/internal.js';
import { explainedError } from '../../modules/index.js';
import { within } from '../../tasks/internal.js';
import { exitStatusOf } from '../command-failure.js';
import { refuseWithAll } from './validate-built.js';

/** Returns the refusal of a configuration with all its other errors; any other error unchanged. */
export async function withAllErrors(error: unknown): Promise<unknown> {
  const config = refusedConfig(error);
  return config instanceof Config ? validatedHere(config, error) : error;
}

/**
 * Validates a configuration in this process, for which `error` has refused it. Returns the refusal with all errors; `error` itself if there are no
 * others, or if their search takes too long.
 */
export async function validatedHere(config: Config, error?: unknown): Promise<unknown> {
  // The application, which is imported, may end the process. A parent reports the end of a worker.
  const tellEnd = (): void => {
    if (error === undefined || isWorker()) return;
    process.stderr.write(`${explainedError(error)}\n`);
    process.exitCode = exitStatusOf(error);
  };
  process.once('exit', tellEnd);
  try {
    const refusals = new Refusals();
    if (error !== undefined) refusals.note(error);
    // A program that embeds its services may have no API.
    const { validateAll } = await import('./validate-all.js');
    const checked = validateAll(config, { refusals, embeds: true }).then((all) =>
      refuseWithAll(
        all.filter(({ code }) => code !== 'PORTICO_NO_APIS'),
        refusals,
      ),
    );
    return await within(
      checked.then(() => error),
      MORE_ERRORS_MS,
      () => error,
    );
  } catch (whole) {
    return whole instanceof ConfigurationRefused ? whole : error;
  } finally {
    process.off('exit', tellEnd);
  }
}
