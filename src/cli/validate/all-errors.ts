/** Further errors of a configuration that was refused before anything was built. */
import { Config } from '../../config/index.js';
import { refusedConfig } from '../../config/internal.js';
import { ConfigurationRefused, Refusals } from '../../errors/index.js';
import { isWorker, MORE_ERRORS_MS, refuseAll } from '../../launch/internal.js';
import { explainedError } from '../../modules/index.js';
import { within } from '../../tasks/internal.js';
import { exitStatusOf } from '../command-failure.js';
import { asLogged } from './plan.js';

/**
 * Validates in this process the configuration that an error refuses. Returns the refusal with all errors; `error` itself if it refuses no
 * configuration, if there are no other errors, or if their search takes too long. `config`: that of an error which does not name it, or of none.
 */
export async function withAllErrors(error: unknown, config = refusedConfig(error)): Promise<unknown> {
  if (!(config instanceof Config)) return error;
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
    const refusedOrNot = validateAll(config, { refusals, embeds: true }).then((all) =>
      refuseAll(all.map(asLogged), refusals),
    );
    await within(refusedOrNot, MORE_ERRORS_MS);
    return error;
  } catch (whole) {
    return whole instanceof ConfigurationRefused ? whole : error;
  } finally {
    process.off('exit', tellEnd);
  }
}
