/** Validation of a configuration by the services that were built from it: their code has declared its options. */
import type { Config } from '../../config/index.js';
import { asFarAsKnown, logFileIssue, markIncomplete } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  inOrder,
  isError,
  Refusals,
  severalRefusals,
  whole,
} from '../../errors/index.js';
import { loadAnnounced } from '../../modules/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';

/** Time to find further errors of a configuration that is refused already, in milliseconds. */
export const MORE_ERRORS_MS = 5000;

/** A service that finds errors beside those of options. */
export interface Validating {
  /**
   * Returns warnings of this configuration after the build of all services of the process. Rejects with all errors of
   * the program, also if `failures` have ended builds.
   */
  validateConfiguration?(config: Config | undefined, failures: readonly unknown[]): Awaitable<readonly Diagnostic[]>;
  /** Returns the errors of its files; `all`: after the import of all code that they name, also of parts that it does not run. */
  findings?(config: Config, all: boolean): Awaitable<readonly Diagnostic[]>;
}

/**
 * Builds services, one after another, and validates the configuration. Returns its findings, and the release of the builds.
 * Rejects with all errors.
 */
export async function builtAndValidated(services: readonly (ServiceBase & Validating)[], config: Config | undefined) {
  const failures: unknown[] = [];
  const built: (() => unknown)[] = [];
  const letGo = async (): Promise<void> => {
    await Promise.allSettled(built.splice(0).map(async (release) => release()));
  };
  for (const service of services)
    await Promise.resolve(service.prepare?.()).then(
      (release) => release !== undefined && built.push(release),
      (error: unknown) => failures.push(error),
    );
  try {
    return { found: await validateAfter(services, failures, config), letGo };
  } catch (error) {
    await letGo();
    throw error;
  }
}

/**
 * Validates a configuration after the build of services from it. Returns warnings; rejects with all errors, or with the first of `failures`
 * if it is no refusal. Without a configuration nothing is validated. A program may hand in its own validation with the service.
 */
export async function validateAfter(
  services: readonly (ServiceBase & Validating)[],
  failures: readonly unknown[],
  config: Config | undefined,
): Promise<readonly Diagnostic[]> {
  const [failure] = failures;
  const own = services[0]?.validateConfiguration;
  const found = await (own === undefined ? validate(services, failures, config) : own(config, failures));
  if (failures.length > 0) throw failure;
  return found;
}

async function validate(
  services: readonly Validating[],
  failures: readonly unknown[],
  config: Config | undefined,
): Promise<readonly Diagnostic[]> {
  if (config === undefined || !failures.every((error) => error instanceof ConfigurationRefused)) return [];
  const refusals = new Refusals();
  for (const failure of failures) refusals.note(failure);
  await config.loadOwners();
  config.registerLoaded();
  const list = async (all: boolean): Promise<readonly Diagnostic[]> => {
    const ofFiles = await Promise.all(services.map(async (service) => (await service.findings?.(config, all)) ?? []));
    const log = config.has('DEFAULT', 'log_file') ? logFileIssue(config) : undefined;
    return inOrder(
      whole(
        asFarAsKnown(config.problems(), [...ofFiles.flat(), ...refusals.diagnostics]),
        log === undefined ? [] : [log],
        ofFiles.flat(),
        refusals.diagnostics,
      ),
    );
  };
  const first = await list(false);
  const announced = first.length === 0 ? [] : await loadAnnounced(config.configFiles);
  const found = first.length === 0 ? first : markIncomplete(inOrder(whole(await list(true), announced)));
  if (found.some(isError)) throw severalRefusals(found.map(forAuthors), { blames: true });
  return found;
}

/** A program that embeds its services may have forgotten to declare its own options. */
function forAuthors(found: Diagnostic): Diagnostic {
  if (found.others === undefined || found.option !== undefined) return found;
  return { ...found, hint: `declare its options: defineOptions('${found.section}', { … }); ${found.hint}` };
}

/** Joins the findings of all services: each process knows the same names, so that one finding of several is reported once. */
export function toldByAll(services: readonly (readonly Diagnostic[])[]): readonly Diagnostic[] {
  return inOrder(whole(...services));
}
