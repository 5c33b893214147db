/**
 * The one judgement of a configuration, after the build of what this process serves. A mistake is a written name that no code declared, or
 * a value that its declaration refuses. `check`, a start, a dry run and a reload print its list.
 */
import type { Config } from '../../config/index.js';
import { isUnknownName, isUnknownSection, mayBeKnownLater } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  ignoreErrors,
  inOrder,
  isError,
  Refusals,
  severalRefusals,
  shownPath,
  whole,
} from '../../errors/index.js';
import { silentLogger } from '../../log/internal.js';
import type { ServiceBase } from '../../service/index.js';
import { unread } from '../configured/configuration.js';
import { addCrossChecks } from '../configured/cross-checks.js';
import { type DeclaredGroups, registerGroups } from '../configured/declared-groups.js';
import type { EnabledApisOptions } from '../configured/enabled-apis.js';
import { namesIn, withoutPasted } from '../configured/names.js';
import { besideOptions } from '../configured/passed-over.js';
import { registerServedOptions, registerShippedOptions } from '../configured/shipped-options.js';
import { othersMayRead, type Program, programOf } from './program.js';

/** Options of {@link judge}. */
export interface JudgeOptions extends Partial<EnabledApisOptions> {
  /** False: finds modules without importing them, and builds nothing. */
  readonly import?: boolean;
  /** Options that the program has declared, beside those that the configuration knows. */
  readonly groups?: DeclaredGroups;
  /** Services that this process has built, or tried to: their code has declared its options. Default: none. */
  readonly services?: readonly ServiceBase[];
  /** True for a program that starts these services in place of the enabled ones. */
  readonly embeds?: boolean;
  /** Refusals of their builds, to which further builds add theirs. */
  readonly refusals?: Refusals;
}

/**
 * Returns all mistakes and warnings of a configuration. If the services of this process are built and nothing is wrong, other processes
 * judge the others: a section that these may know has no hint, unless it is near a known one. Otherwise builds everything else that the
 * configuration enables, and releases it. Rejects with other errors of a build. Mistakes in parts that no API reaches refuse nothing.
 */
export async function judge(config: Config, options: JudgeOptions = {}): Promise<readonly Diagnostic[]> {
  const {
    import: imports = true,
    groups = new Map(),
    services = [],
    embeds = false,
    refusals = new Refusals(),
  } = options;
  const cause = unread(config);
  if (cause.length > 0) return cause;
  const judged = config.copy({ declared: true });
  addCrossChecks(judged);
  const isBuilt = services.length > 0;
  const names = namesIn(judged);
  const program = programOf(judged, names, { services, embeds });
  const ofFiles = (): readonly Diagnostic[] => [...judged.problems(), ...besideOptions(judged, program)];
  // Most configurations: what was built has declared each written name, and nothing is wrong.
  const isFine = isBuilt && !refusals.any && ofFiles().length === 0;
  if (isFine && (await ofPasteFile(judged, program, false)).length === 0) return [];
  registerGroups(judged, groups);
  ignoreErrors(() => registerServedOptions(judged, names));
  const beside = besideOptions(judged, program);
  const pasted = await ofPasteFile(judged, program, imports);
  const files = [undefined, ...judged.configFiles.map(shownPath)];
  const list = async (planned: readonly Diagnostic[], warned: readonly Diagnostic[]) => {
    const refused = [...pasted, ...refusals.diagnostics].filter((each) => isError(each) && !isLater(each));
    const found = await ofNames(judged, program, { isRefused: refused.length > 0, imports });
    return inOrder(whole(found, beside, planned, pasted, refusals.diagnostics, warned), files);
  };
  const before = isBuilt && !refusals.any ? await list([], []) : undefined;
  if (before?.some(isError) === false) return before;
  const isTold = (each: Diagnostic): boolean => !mayBeKnownLater(each);
  if (embeds && isBuilt && program.apis.length === 0) return (before ?? (await list([], []))).filter(isTold);
  const { plan } = await import('./plan.js');
  const planned = await plan(judged, { log: silentLogger(), names, ...options });
  // A reload that is refused before any build has not built the services of a program.
  const built = new Set(embeds ? [] : services.map(({ name }) => name));
  const builds = imports ? await import('./build-all.js') : undefined;
  const warned = (await builds?.buildAll(judged, planned, { refusals, built, names, dev: options.dev })) ?? [];
  const all = await list(planned.diagnostics, warned);
  // The program does not run what is built further, so no failure of that excuses a name.
  const own = embeds && before !== undefined ? before : [];
  return inOrder(whole(own, all), files).filter(isTold);
}

/**
 * Judges a configuration after the build of these services; `failures`: the errors of builds. Returns warnings; rejects with all mistakes.
 * Judges nothing if a build has failed otherwise.
 */
export async function judgement(
  config: Config,
  { failures, ...options }: Omit<JudgeOptions, 'refusals'> & { readonly failures: readonly unknown[] },
): Promise<readonly Diagnostic[]> {
  if (!failures.every((error) => error instanceof ConfigurationRefused)) return [];
  const refusals = new Refusals();
  for (const failure of failures) refusals.note(failure);
  // A program that embeds its services may have no API.
  const isOurs = ({ code }: Diagnostic): boolean => options.embeds !== true || code !== 'PORTICO_NO_APIS';
  const found = (await judge(config, { ...options, refusals })).filter(isOurs).map(asLogged);
  const errors = found.filter(isError);
  // The build has logged what its routers warn of.
  if (errors.length === 0) return found.filter(({ code }) => !code.startsWith('PORTICO_ROUTE_'));
  // Only code that the configuration names has failed.
  const failed = refusals.diagnostics;
  const blames = refusals.refusal?.blamesConfiguration !== false || whole(failed, errors).length > failed.length;
  throw severalRefusals(found, { blames });
}

/** Uses the words of the log, which oslo's operators know. */
export function asLogged(diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.code !== 'PORTICO_PASTE_NO_SECTION' || diagnostic.severity === 'error') return diagnostic;
  const message = `${diagnostic.message}. enabled_apis includes bad values. Fix to remove this warning.`;
  return { ...diagnostic, message };
}

/** A manager declares nothing before a start, and an unknown name is refused after the build. */
function isLater(found: Diagnostic): boolean {
  return isUnknownName(found) || found.code === 'PORTICO_MANAGER';
}

/** Returns the mistakes of the paste file. A program of other services has none. */
async function ofPasteFile(config: Config, program: Program, imports: boolean): Promise<readonly Diagnostic[]> {
  return program.isPasted ? (await import('./paste-mistakes.js')).pasteMistakes(config, program, imports) : [];
}

/**
 * Returns the mistakes in names and values. Filters that no pipeline has are imported only to tell their names from unknown ones; a misspelt
 * option of a known section is none of them. Code that is not built, or not imported, may declare names.
 */
async function ofNames(
  judged: Config,
  program: Program,
  { isRefused, imports }: { readonly isRefused: boolean; readonly imports: boolean },
): Promise<readonly Diagnostic[]> {
  const known = judged.copy({ declared: true });
  const isMisspelt = ({ option, hint, place }: Diagnostic): boolean =>
    option !== undefined && hint !== undefined && place?.kind === 'file';
  const mayBeShipped = judged.problems().some((each) => isUnknownName(each) && !isMisspelt(each));
  if (mayBeShipped) await registerShippedOptions(known, program.names).catch(() => undefined);
  const isOpen = isRefused || !imports || othersMayRead(judged, program);
  const own = new Set(isRefused ? [] : program.apis.map(({ name }) => name.toLowerCase()));
  const told = known.problems({ complete: !isOpen, closed: own });
  const places = new Set(told.map(({ place }) => place?.detail));
  const others = known.problems().filter((each) => isUnknownSection(each) && !places.has(each.place?.detail));
  const open = others.map((each): Diagnostic => ({ ...each, severity: 'warning', hint: undefined }));
  const strict = judged.resolve('DEFAULT', 'strict_config').value === true;
  return (
    withoutPasted(judged, program.names, [...told, ...open])
      // The values of filters are judged where a pipeline uses them.
      .filter(({ section = '', severity }) => severity === 'warning' || !known.isSectional(section))
      .map((each): Diagnostic => (strict || !isFar(each) ? each : { ...each, severity: 'warning' }))
  );
}

/** Reports whether a name of `[DEFAULT]` is similar to no known one, and so may belong to another program. */
function isFar({ message, section, hint }: Diagnostic): boolean {
  return message === 'unknown option' && section === 'DEFAULT' && hint === undefined;
}
