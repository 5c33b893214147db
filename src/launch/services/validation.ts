/**
 * The validation of a configuration: one list of all its errors. A start, a reload, a dry run, `check` and applications that embed their services
 * come here, with what they have built and what they know of their files.
 */
import type { Config } from '../../config/index.js';
import { logFileIssue, writableFiles } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  inOrder,
  isError,
  MORE_ERRORS,
  Refusals,
  severalRefusals,
  shownPath,
  whole,
} from '../../errors/index.js';
import { loadAnnounced } from '../../modules/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';

/** Time to find further errors of a configuration that is refused already, in milliseconds. */
export const MORE_ERRORS_MS = 5000;

/** A service, or an application with several, that finds errors beside those of options. */
export interface Validating {
  /** The application that finds them in place of its services. */
  readonly program?: Validating;
  /** Sections whose unknown names other processes tell: they build the services that may have declared them. Default: none. */
  readonly others?: readonly string[];
  /** The section whose names the code of this process knows. */
  readonly own?: string | undefined;
  /**
   * Returns the errors of its files. `config` knows the options of all code that is loaded; `all`: after the import of all code that the files
   * name, also of parts that it does not run. `built`: the services that were built from it, which know what their builds have found.
   */
  findings?(config: Config, all: boolean, built: readonly ServiceBase[]): Awaitable<readonly Diagnostic[]>;
  /**
   * Builds what this process has not built, and returns the complete list of errors and warnings; undefined if nothing else can be built.
   * Called if sections other than `own` have unknown names.
   */
  complete?(refusals: Refusals, config: Config): Awaitable<readonly Diagnostic[] | undefined>;
}

/** Facts about a configuration that its options do not tell. */
export interface Known {
  /** Errors of the builds from it so far. */
  readonly refusals: Refusals;
  /** The parts of the application that find more errors. */
  readonly parts: readonly Validating[];
  /**
   * Code that may have declared options. `built`: that of the services, and all other code only for a configuration with an error or a warning;
   * `all`: all that the configuration names; `none`: nothing is imported, so that names without an owner are only warnings. Default `built`.
   */
  readonly code?: 'built' | 'all' | 'none';
  /** The services that were built from it. Default: none. */
  readonly built?: readonly ServiceBase[];
}

/**
 * Returns all errors and warnings of a configuration: of its values and names, its log file, the modules that its packages announce, its files
 * and their modes, and builds from it.
 */
export async function validated(
  config: Config,
  { refusals, parts, code = 'built', built = [] }: Known,
): Promise<readonly Diagnostic[]> {
  const checked = await config.toValidate();
  const others = parts.flatMap((part) => part.others ?? []);
  const inFiles = async (all: boolean): Promise<readonly (readonly Diagnostic[])[]> => {
    const found: (readonly Diagnostic[])[] = [];
    for (const part of parts) found.push((await part.findings?.(checked, all, built)) ?? []);
    return found;
  };
  const list = (...found: readonly (readonly Diagnostic[])[]): readonly Diagnostic[] => {
    const log = logFileIssue(checked);
    const beside = [log === undefined ? [] : [log], ...found, refusals.diagnostics];
    const files = checked.configFiles.map(shownPath);
    return wholeList(checked.problems(), beside, { isLoaded: code !== 'none', others, files });
  };
  // Most configurations: what was built has declared each written name, and nothing is wrong.
  const quick = code === 'built' && !refusals.any ? await inFiles(false) : undefined;
  const fine = (): readonly Diagnostic[] | undefined => {
    const found = quick && list(...quick);
    return found?.every(isLogged) === true ? [...writableFiles(checked), ...found] : undefined;
  };
  const first = fine();
  if (first !== undefined) return first;
  const announced = code === 'none' ? [] : await loadAnnounced(config.configFiles);
  // Other modules may own a name, but the files are the same.
  const again = announced.length === 0 ? fine() : undefined;
  if (again !== undefined) return again;
  const found = list(announced, ...(await inFiles(code !== 'none')));
  // The files that a paste file includes are known now.
  return [...writableFiles(checked), ...found];
}

/** Codes of modules and files that could not be loaded: names may belong to them. */
const LOST =
  /^PORTICO_(?:MODULE_|MANAGER$|EXTENSION$|PASTE_(?:NO_(?:MODULE|PACKAGE|FILE|SECTION_HEADER)|BAD_LINE|IS_A_DIRECTORY)$)/;

/** Code of a paste file that is missing: all of its pipelines are unknown. */
const NO_PIPELINES = 'PORTICO_PASTE_NO_FILE';

/**
 * Returns all findings as one list, by location: those about values and names, and those of other checks. As long as not all code is
 * loaded, an uncertain name is a warning. If code could not be loaded, which may declare such names, only those are told that are near to a known
 * one, as the last ones, and the first finding about that code says that further errors may follow. `others`: sections whose uncertain names
 * other processes report.
 */
export function wholeList(
  problems: readonly Diagnostic[],
  beside: readonly (readonly Diagnostic[])[],
  {
    isLoaded,
    others,
    files,
  }: { readonly isLoaded: boolean; readonly others: readonly string[]; readonly files: readonly string[] },
): readonly Diagnostic[] {
  const lacksCode = [problems, ...beside].some((list) => list.some(({ code }) => LOST.test(code)));
  const isPart = lacksCode || !isLoaded;
  const names = problems.map((each): Diagnostic => {
    if (!isPart || each.uncertain !== true) return each;
    return { ...each, severity: 'warning' };
  });
  const inFiles = inOrder(whole(names, ...beside), [undefined, ...files]);
  const isGuess = ({ uncertain }: Diagnostic): boolean => lacksCode && uncertain === true;
  const isMistyped = ({ option, others: owners, hint }: Diagnostic): boolean =>
    option !== undefined && owners === undefined && hint !== undefined;
  const mayBeOfLost = (each: Diagnostic): boolean => isGuess(each) && !isMistyped(each);
  const found = [...inFiles.filter((each) => !isGuess(each)), ...inFiles.filter(isGuess)];
  const isOpen = found.some(({ uncertain }) => uncertain === true);
  const first = found.find(({ code }) => (isOpen ? LOST.test(code) : code === NO_PIPELINES));
  return found
    .filter((each) => !mayBeOfLost(each))
    .filter(({ uncertain, section = '' }) => uncertain !== true || !others.includes(section))
    .map((each) =>
      each === first && each.note?.includes(MORE_ERRORS) !== true
        ? { ...each, note: each.note === undefined ? MORE_ERRORS : `${each.note}; ${MORE_ERRORS}` }
        : each,
    );
}

/**
 * Builds services, one after another, and validates the configuration. Returns its findings, and the release of the builds. Rejects with all
 * errors. `next`: the configuration of a reload, from which running services build their next parts; `refused`: why it is refused already.
 */
export async function builtAndValidated(
  services: readonly (ServiceBase & Validating)[],
  config: Config | undefined,
  { next, refused }: { readonly next?: Config | undefined; readonly refused?: ConfigurationRefused | undefined } = {},
) {
  const failures: unknown[] = refused === undefined ? [] : [refused];
  const built: (() => unknown)[] = [];
  const letGo = async (): Promise<void> => {
    await Promise.allSettled(built.splice(0).map(async (release) => release()));
  };
  for (const service of services)
    await Promise.resolve(service.prepare?.(next)).then(
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
 * if it is no refusal. Without a configuration nothing is validated.
 */
export async function validateAfter(
  services: readonly (ServiceBase & Validating)[],
  failures: readonly unknown[],
  config: Config | undefined,
): Promise<readonly Diagnostic[]> {
  const other = failures.find((failure) => !(failure instanceof ConfigurationRefused));
  if (config === undefined || other !== undefined) {
    if (failures.length > 0) throw failures[0];
    return [];
  }
  const refusals = new Refusals();
  for (const failure of failures) refusals.note(failure);
  const parts = [...new Set(services.map((service) => service.program ?? service))];
  let found = await validated(config, { refusals, parts, built: services });
  for (const part of parts) {
    const isOpen = found.some((each) => each.uncertain === true && each.section !== part.own);
    if (isOpen) found = (await part.complete?.(refusals, config)) ?? found;
  }
  found = refuseAll(services.some(({ program }) => program !== undefined) ? found : found.map(forAuthors), refusals);
  if (failures.length > 0) throw failures[0];
  return found;
}

/** Returns warnings; throws all errors, if there are any. */
export function refuseAll(found: readonly Diagnostic[], refusals: Refusals): readonly Diagnostic[] {
  const errors = found.filter(isError);
  if (errors.length === 0) return found;
  // Only code that the configuration names has failed.
  const failed = refusals.diagnostics;
  const blames = refusals.refusal?.blamesConfiguration !== false || whole(failed, errors).length > failed.length;
  throw severalRefusals(found, { blames });
}

/** Reports whether the build that found this has logged it, at its own level and with its fields. */
function isLogged({ severity, code }: Diagnostic): boolean {
  return severity === 'warning' && /^PORTICO_(?:ROUTE_|FACTORY_WARNING$|PASTE_FILTER_ORDER$)/.test(code);
}

/** Logs the warnings of a configuration, except those that its build has logged. */
export function logWarnings(config: Config | undefined, found: readonly Diagnostic[]): void {
  config?.warn(found.filter((each) => !isLogged(each)));
}

/** An application that embeds its services may have forgotten to declare its own options. */
function forAuthors(found: Diagnostic): Diagnostic {
  if (found.others === undefined || found.option !== undefined) return found;
  return { ...found, hint: `declare its options: defineOptions('${found.section}', { … }); ${found.hint}` };
}

/** Joins the findings of all services: each process knows the same names, so that one finding of several is reported once. */
export function toldByAll(services: readonly (readonly Diagnostic[])[]): readonly Diagnostic[] {
  return inOrder(whole(...services));
}
