/** The judgement of a configuration by a process that serves nothing: it imports and builds all that the configuration names. */
import type { Config } from '../../config/index.js';
import { type Diagnostic, Refusals } from '../../errors/index.js';
import { silentLogger } from '../../log/internal.js';
import { loadAnnounced } from '../../modules/index.js';
import { unread } from '../configured/configuration.js';
import type { EnabledApisOptions } from '../configured/enabled-apis.js';
import { type JudgedOptions, judgedCopy } from './judged.js';
import { plan } from './plan.js';

/** Options of {@link judge}. */
export interface JudgeOptions extends Partial<EnabledApisOptions>, JudgedOptions {
  /** False: finds modules without importing them, and builds nothing. */
  readonly import?: boolean;
  /** Refusals so far, to which the builds add theirs. */
  readonly refusals?: Refusals;
}

/** Returns all errors and warnings. Rejects with other errors of a build. Errors in parts that no API reaches refuse nothing. */
export async function judge(config: Config, options: JudgeOptions = {}): Promise<readonly Diagnostic[]> {
  const { import: imports = true, refusals = new Refusals(), dev } = options;
  const cause = unread(config);
  if (cause.length > 0) return cause;
  await config.loadOwners();
  const judged = judgedCopy(config, options);
  const { names } = judged;
  const announced = imports ? await loadAnnounced(config.configFiles) : [];
  const pasted = await judged.ofPasteFile(imports);
  const planned = await plan(judged.config, { log: silentLogger(), names, ...options });
  const builds = imports ? await import('./build-all.js') : undefined;
  const warned = (await builds?.buildAll(judged.config, planned, { refusals, names, dev })) ?? [];
  return judged.mistakes([announced, planned.diagnostics, pasted, refusals.diagnostics, warned], imports);
}
