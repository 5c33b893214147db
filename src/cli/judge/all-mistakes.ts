/** Further mistakes of a configuration that was refused before anything was built. */
import { Config } from '../../config/index.js';
import { refusedConfig } from '../../config/internal.js';
import { within } from '../../tasks/internal.js';
import { judgeProgram } from './first-worker.js';

/** Time to find them. */
const MORE_MS = 5000;

/** Returns the refusal of a configuration with all its other mistakes; any other error unchanged. */
export async function withAllMistakes(error: unknown): Promise<unknown> {
  const config = refusedConfig(error);
  if (!(config instanceof Config)) return error;
  return within(
    judgeProgram(config, [], [error]).then(
      () => error,
      (whole: unknown) => whole,
    ),
    MORE_MS,
    () => error,
  );
}
