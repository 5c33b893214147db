/** Validation of a configuration by a process that serves nothing: it imports and builds all that the configuration names. */
import type { Config } from '../../config/index.js';
import { type Diagnostic, PorticoError, Refusals } from '../../errors/index.js';
import { buildConfiguration } from '../../launch/internal.js';
import { silentLogger } from '../../log/internal.js';
import { loadAnnounced } from '../../modules/index.js';
import { unread } from '../configured/configuration.js';
import type { EnabledApisOptions } from '../configured/enabled-apis.js';
import { type CheckedCopyOptions, checkedCopy } from './checked-copy.js';
import { plan } from './plan.js';

/** Options of {@link validateAll}. */
export interface ValidateAllOptions extends Partial<EnabledApisOptions>, CheckedCopyOptions {
  /** False: finds modules without importing them, and builds nothing. */
  readonly import?: boolean;
  /** Refusals so far, to which the builds add theirs. */
  readonly refusals?: Refusals;
}

/** Returns all errors and warnings. Rejects with other errors of a build. Errors in parts that no API reaches refuse nothing. */
export async function validateAll(config: Config, options: ValidateAllOptions = {}): Promise<readonly Diagnostic[]> {
  const { import: imports = true, refusals = new Refusals(), dev } = options;
  const cause = unread(config);
  if (cause.length > 0) return cause;
  await config.loadOwners();
  const checked = checkedCopy(config, options);
  const { names } = checked;
  const announced = imports ? await loadAnnounced(config.configFiles) : [];
  const pasted = await checked.ofPasteFile(imports);
  const planned = await plan(checked.config, { log: silentLogger(), names, ...options });
  const builds = imports ? await import('./build-all.js') : undefined;
  const warned = (await builds?.buildAll(checked.config, planned, { refusals, names, dev })) ?? [];
  return checked.issues([announced, planned.diagnostics, pasted, refusals.diagnostics, warned], imports);
}

/**
 * Returns all errors of a configuration, including those of its applications, from a child: modules of an application may print, block or
 * end their process. A child that does not finish is one of the errors. `starts`: the process that was started ahead as first worker may be
 * that child.
 */
export async function buildInChild(
  config: Config,
  { dev = false, starts = false }: { readonly dev?: boolean; readonly starts?: boolean } = {},
): Promise<readonly Diagnostic[]> {
  const cause = unread(config);
  if (cause.length > 0) return cause;
  try {
    // Without a command the program serves; in such a child it builds instead.
    return await buildConfiguration(config, dev ? ['--dev'] : [], { starts });
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error;
    return error.diagnostics;
  }
}
