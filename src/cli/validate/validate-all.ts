/**
 * Validation of a configuration by a process that serves nothing: it imports and builds all that the configuration names. A configuration
 * that was refused before anything was built is validated for its further errors.
 */
import { Config } from '../../config/index.js';
import { asTrial, refusedConfig } from '../../config/internal.js';
import { ConfigurationRefused, type Diagnostic, Refusals, whole } from '../../errors/index.js';
import { isWorker, MORE_ERRORS_MS, refuseAll, validated } from '../../launch/internal.js';
import { silentLogger } from '../../log/internal.js';
import { explainedError } from '../../modules/index.js';
import type { WSGIService } from '../../server/index.js';
import { namesIn } from '../../server/internal.js';
import { within } from '../../tasks/internal.js';
import { exitStatusOf } from '../command-failure.js';
import { unread } from '../configured/configuration.js';
import { fileErrors } from './file-errors.js';
import { asChecked, asLogged, plan, refuseErrors } from './plan.js';

/** Options of {@link validateAll}. */
export interface ValidateAllOptions {
  /** False: finds modules without importing them, and builds nothing. */
  readonly import?: boolean;
  /** False: imports code, but calls no factory, so that names which only a factory reads are warnings. */
  readonly factories?: boolean;
  /** Refusals so far, to which the builds add theirs. */
  readonly refusals?: Refusals;
  /** True for an application that may start other services than the enabled ones, or none, and have no paste file. */
  readonly embeds?: boolean;
  /** As a start with `--dev`. */
  readonly dev?: boolean;
  /** True where a change is reviewed: certificates and the log file are on the machines that serve. */
  readonly elsewhere?: boolean;
}

/** Returns all errors and warnings. Rejects with other errors of a build. Errors in parts that no API reaches refuse nothing. */
export async function validateAll(
  config: Config,
  {
    import: imports = true,
    factories = imports,
    refusals = new Refusals(),
    embeds = false,
    dev = false,
    elsewhere = false,
  }: ValidateAllOptions = {},
): Promise<readonly Diagnostic[]> {
  const cause = unread(config);
  if (cause.length > 0) return cause;
  const findings = async (checked: Config): Promise<readonly Diagnostic[]> => {
    const named = namesIn(checked);
    const names = elsewhere ? { ...named, sslApis: [] } : named;
    const planned = await plan(checked, { log: silentLogger(), names, dev, embeds });
    const builds = factories ? await import('./build-all.js') : undefined;
    const built: WSGIService[] = [];
    const ofBuilds = (await builds?.buildAll(checked, planned, { refusals, names, dev, built })) ?? [];
    const ofFiles = await fileErrors(checked, imports, built, { embeds, factories });
    return whole(planned.diagnostics, ofFiles, ofBuilds);
  };
  const found = await validated(config, { refusals, parts: [{ findings }], code: factories ? 'all' : 'none' });
  return elsewhere ? found.filter(({ code }) => code !== 'PORTICO_LOG_FILE') : found;
}

/** Throws the errors that `check` finds, as one refusal; not those of files that only the machines that serve have. */
export async function refuseWrong(config: Config): Promise<void> {
  const found = await asTrial(() => validateAll(config, { elsewhere: true }));
  refuseErrors(found.map(asChecked));
}

/**
 * Validates in this process the configuration that an error refuses. Returns the refusal with all errors; `error` itself if it refuses no
 * configuration, if there are no other errors, or if their search takes too long. `config`: that of an error which does not name it, or of
 * none.
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
    // An application that embeds its services may have no API.
    // What it builds will not serve.
    const refusedOrNot = asTrial(() => validateAll(config, { refusals, embeds: true })).then((all) =>
      refuseAll(all.map(asLogged), refusals),
    );
    await within(refusedOrNot, MORE_ERRORS_MS);
    return error;
  } catch (refusal) {
    return refusal instanceof ConfigurationRefused ? refusal : error;
  } finally {
    process.off('exit', tellEnd);
  }
}
