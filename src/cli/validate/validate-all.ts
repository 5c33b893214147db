/** Validation of a configuration by a process that serves nothing: it imports and builds all that the configuration names. */
import type { Config } from '../../config/index.js';
import { type Diagnostic, Refusals, whole } from '../../errors/index.js';
import { validated } from '../../launch/internal.js';
import { silentLogger } from '../../log/internal.js';
import { namesIn } from '../../server/internal.js';
import { unread } from '../configured/configuration.js';
import { fileErrors } from './file-errors.js';
import { plan } from './plan.js';

/** Options of {@link validateAll}. */
export interface ValidateAllOptions {
  /** False: finds modules without importing them, and builds nothing. */
  readonly import?: boolean;
  /** Refusals so far, to which the builds add theirs. */
  readonly refusals?: Refusals;
  /** True for a program that may start other services than the enabled ones, or none, and have no paste file. */
  readonly embeds?: boolean;
  /** As a start with `--dev`. */
  readonly dev?: boolean;
}

/** Returns all errors and warnings. Rejects with other errors of a build. Errors in parts that no API reaches refuse nothing. */
export async function validateAll(
  config: Config,
  { import: imports = true, refusals = new Refusals(), embeds = false, dev = false }: ValidateAllOptions = {},
): Promise<readonly Diagnostic[]> {
  const cause = unread(config);
  if (cause.length > 0) return cause;
  const findings = async (checked: Config): Promise<readonly Diagnostic[]> => {
    const ofFiles = await fileErrors(checked, imports, embeds);
    const names = namesIn(checked);
    const planned = await plan(checked, { log: silentLogger(), names, dev });
    const ofPlans = planned.diagnostics.filter(({ code }) => !embeds || code !== 'PORTICO_NO_APIS');
    const builds = imports ? await import('./build-all.js') : undefined;
    const ofBuilds = (await builds?.buildAll(checked, planned, { refusals, names, dev })) ?? [];
    return whole(ofPlans, ofFiles, ofBuilds);
  };
  return validated(config, { refusals, parts: [{ findings }], code: imports ? 'all' : 'none' });
}
