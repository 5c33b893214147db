/**
 * Plan of a configuration as written, with its mistakes. `judge.ts` adds those that only the applications know.
 */
import type { Config } from '../config/index.js';
import { isStranger, isUnknownName, isUnknownSection, logFileIssue } from '../config/internal.js';
import {
  type ConfigurationRefused,
  type Diagnostic,
  inOrder,
  nearestNames,
  Refusals,
  severalRefusals,
  untold,
} from '../errors/index.js';
import type { PlannedRPCService } from '../rpc/internal.js';
import type { PlannedApi } from '../server/internal.js';
import { unread } from './configuration.js';
import { addCrossChecks } from './cross-checks.js';
import { type EnabledApisOptions, enabledApis, judgeMissing, nothingEnabled } from './enabled-apis.js';
import { enabledServices, planningServices } from './enabled-services.js';
import { namesLogger } from './named-logger.js';
import { hasKnownOption, serviceNames, withoutPasted } from './names.js';
import { passedOver } from './passed-over.js';
import { FILTER_GROUPS, registerServedOptions, registerShippedOptions } from './shipped-options.js';

/** Plans of what a configuration starts, with its diagnostics. */
export interface Planned {
  readonly apis: readonly PlannedApi[];
  /** Services in addition to the APIs. */
  readonly services: readonly PlannedRPCService[];
  /** Diagnostics; errors refuse the configuration. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads and checks the files, each once. Imports no application, so it does not know the options that only applications declare; creates no
 * service.
 */
export async function plan(
  config: Config,
  options: EnabledApisOptions,
): Promise<Planned & { readonly hasStrangers: boolean }> {
  const cause = unread(config);
  if (cause.length > 0) return { apis: [], services: [], diagnostics: cause, hasStrangers: false };
  const { judged, problems, hasStrangers } = await asJudged(config);
  const { diagnostics, ...started } = await enabled(config, options);
  const written = withoutPasted(judged, problems).filter(({ section = '' }) => !judged.isSectional(section));
  // A reload keeps the open log file.
  const unlogged = (options.running ?? []).length > 0 || namesLogger(judged) ? undefined : logFileIssue(judged);
  const found = [...written, ...passedOver(judged), ...(unlogged === undefined ? [] : [unlogged]), ...diagnostics];
  return { ...started, diagnostics: inOrder(found), hasStrangers };
}

/** Returns enabled APIs and services, checked together, with obstacles to their start beside mistakes of their options. */
export async function enabled(config: Config, options: EnabledApisOptions): Promise<Planned> {
  const { running = [] } = options;
  const { services, missing, diagnostics } = await enabledServices(config, options, planningServices);
  const isService = (name: string): boolean => serviceNames(config).includes(name);
  const ofApis = await enabledApis(config, { ...options, running: running.filter((name) => !isService(name)) });
  const next = [...ofApis.apis, ...services].map(({ name }) => name);
  const ending = running.filter((name) => !next.includes(name));
  const found = [...ofApis.diagnostics, ...diagnostics, ...judgeMissing(config, missing, ending)];
  if (next.length === 0 && !found.some(isError)) found.unshift(nothingEnabled(config));
  return { apis: ofApis.apis, services, diagnostics: found };
}

/**
 * Checks the configuration with every shipped option; those of filters only if it has another unknown name, because they are imported for
 * it. Workers check the sections of filters. `hasStrangers`: true if some names refuse the start unless an application declares them.
 */
async function asJudged(config: Config) {
  // Mistakes of declarations are among the problems.
  const ignored = new Refusals();
  await ignored.gather(() => registerServedOptions(config));
  const strict = config.resolve('DEFAULT', 'strict_config').value === true;
  const found = config.problems({ complete: strict }).filter((each) => !isFilterSection(each));
  const unknown = found.some(isUnknownName) || hasUnknownGiven(config) || hasNearFilterSection(config);
  const short = Object.keys(process.env).some((name) => name.startsWith('PORTICO_') && !name.includes('__'));
  if (!unknown && !short) return { judged: config, problems: found, hasStrangers: false };
  const judged = config.copy();
  addCrossChecks(judged);
  await ignored.gather(() => registerShippedOptions(judged));
  const hasStrangers = (strict || config.arguments.length > 0) && judged.problems({ complete: true }).some(isStranger);
  return { judged, problems: judged.problems({ complete: false }), hasStrangers };
}

/** Reports whether an argument or variable has no option. A section of a file may belong to the application, and does not count. */
function hasUnknownGiven(config: Config): boolean {
  if (config.variables.length === 0 && config.arguments.length === 0) return false;
  const isGiven = ({ place }: Diagnostic): boolean => place?.kind === 'command_line' || place?.kind === 'environment';
  return config.problems({ complete: true }).some((each) => isUnknownName(each) && isGiven(each));
}

function isFilterSection(found: Diagnostic): boolean {
  return isUnknownSection(found) && found.severity === 'warning' && FILTER_GROUPS.has(found.section ?? '');
}

/** Reports whether a section has nearly the name of a filter's section: its content decides whether that was intended. */
function hasNearFilterSection(config: Config): boolean {
  const others = config.listAllSections().filter((name) => !FILTER_GROUPS.has(name) && !hasKnownOption(config, name));
  return others.some((section) => nearestNames(section, FILTER_GROUPS).length > 0);
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

/** Throws the errors among these as one refusal. */
export function refuseErrors(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter(isError);
  if (errors.length > 0) throw severalRefusals(errors);
}

/** Returns the errors of a whole check, and those of an additional refusal. */
export function withTheRest(refusal: ConfigurationRefused, whole: readonly Diagnostic[]): ConfigurationRefused {
  const errors = whole.filter(isError);
  return errors.length === 0 ? refusal : severalRefusals(joined(errors, refusal.diagnostics));
}

/** Joins a whole check with findings that it lacks. */
export function joined(whole: readonly Diagnostic[], others: readonly Diagnostic[]): Diagnostic[] {
  const errors = whole.filter(isError);
  const pasted = errors.some(isPasted);
  const isTold = (each: Diagnostic): boolean =>
    (pasted && isError(each) && isPasted(each) && each.place === undefined) ||
    whole.some((other) => isSame(each, other));
  return [...whole, ...untold(errors, others).filter((each) => !isTold(each))];
}

/** Reports whether a finding is about a file that every service reads. */
function isPasted({ code }: Diagnostic): boolean {
  return code.startsWith('PORTICO_PASTE_');
}

export function isSame(a: Diagnostic, b: Diagnostic): boolean {
  return a.code === b.code && a.place?.detail === b.place?.detail && a.section === b.section && a.option === b.option;
}
