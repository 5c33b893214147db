/**
 * The judgement after a build: of the first worker of a service, and of any process of a program that embeds its services.
 */
import type { Config } from '../../config/index.js';
import { isUnknownSection } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  isError,
  Refusals,
  severalRefusals,
  whole,
} from '../../errors/index.js';
import type { ServiceBase } from '../../service/index.js';
import { configuredPasteFile } from '../configured/configuration.js';
import { addCrossChecks } from '../configured/cross-checks.js';
import type { EnabledApisOptions } from '../configured/enabled-apis.js';
import { apiNames } from '../configured/names.js';
import { besideOptions } from '../configured/passed-over.js';
import { registerServedOptions } from '../configured/shipped-options.js';
import { type BuiltProgram, builtProgram } from './program.js';

/** Returns the judgement of the first worker of a service of `api-cli`. */
export function judgeOfFirst(name: string, config: Config, { dev = false }: EnabledApisOptions) {
  return (failure?: unknown): Promise<readonly Diagnostic[]> =>
    failure === undefined ? judgeBuilt(config, [], { dev, built: name }) : judgeBuilt(config, [failure], { dev });
}

/**
 * Judges the configuration of a program that has built these services; `failures`: the errors of builds. Returns warnings; rejects with all
 * mistakes.
 */
export function judgeProgram(
  config: Config,
  services: readonly ServiceBase[],
  failures: readonly unknown[],
): Promise<readonly Diagnostic[]> {
  const program = services.length === 0 ? {} : { program: builtProgram(config, services) };
  return judgeBuilt(config, failures, { isEmbedded: true, ...program });
}

/** Most configurations have no findings after the build, and need no further one. */
async function judgeBuilt(config: Config, failures: readonly unknown[], given: Given): Promise<readonly Diagnostic[]> {
  const { isEmbedded = false, program, ...more } = given;
  if (failures.some((error) => !(error instanceof ConfigurationRefused))) return [];
  const isBuilt = failures.length === 0 && (!isEmbedded || program !== undefined);
  const sections = isBuilt ? await onlySections(config, program) : undefined;
  if (sections !== undefined && !sections.some(isError)) return sections;
  const { judge } = await import('./judge.js');
  const refusals = new Refusals();
  // A build of api-cli is repeated, a build of a program is not.
  if (isEmbedded) for (const failure of failures) refusals.note(failure);
  const options = { ...more, refusals, ...(isEmbedded && { declared: true }), ...(program && { program }) };
  const found = (await judge(config, options)).map(asLogged);
  const errors = found.filter(isError);
  // The build has logged what its routers warn of.
  if (errors.length === 0) return found.filter(({ code }) => isEmbedded || !code.startsWith('PORTICO_ROUTE_'));
  // Only code that the configuration names has failed.
  const blames =
    refusals.refusal?.blamesConfiguration !== false ||
    whole(refusals.diagnostics, errors).length > refusals.diagnostics.length;
  // Services that the program would start later are judged too, as configured.
  const later = program?.isConfigured === true ? await judge(config, { declared: true }) : [];
  const all = whole(found, later.map(asLogged));
  throw severalRefusals(isEmbedded ? all.filter(({ code }) => code !== 'PORTICO_NO_APIS') : all, { blames });
}

/** Facts about a program. */
interface Given {
  readonly dev?: boolean;
  /** Name of the service of `api-cli` that is built. */
  readonly built?: string;
  /** True for a program that embeds its services. */
  readonly isEmbedded?: boolean;
  /** The services of such a program, if it has built any. */
  readonly program?: BuiltProgram;
}

/**
 * Returns the sections that a configuration, whose service is built, does not know, if it has nothing else to tell: no mistake in its
 * files, no other unknown name. Another service may know them, so they are no cause to build that.
 */
async function onlySections(config: Config, program?: BuiltProgram): Promise<readonly Diagnostic[] | undefined> {
  const judged = program === undefined ? config : config.copy({ declared: true });
  registerServedOptions(judged);
  if (program !== undefined) addCrossChecks(judged);
  const unknown = judged.problems({ complete: true });
  const isOdd = besideOptions(judged, program).length > 0;
  if (isOdd || !unknown.every((each) => isUnknownSection(each) && !isError(each))) return undefined;
  if (unknown.length > 0) return (await import('./judge.js')).unknownSections(judged, program);
  if ((program?.apis ?? apiNames(judged)).length === 0) return [];
  const { Loader } = await import('../../loader/index.js');
  const checked = { config: judged.copy(), import: false, trial: false };
  return (await Loader.checkFile(configuredPasteFile(judged), checked)).length === 0 ? [] : undefined;
}

/** Uses the words of the log, which oslo's operators know. */
export function asLogged(diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.code !== 'PORTICO_PASTE_NO_SECTION' || diagnostic.severity === 'error') return diagnostic;
  const message = `${diagnostic.message}. enabled_apis includes bad values. Fix to remove this warning.`;
  return { ...diagnostic, message };
}
