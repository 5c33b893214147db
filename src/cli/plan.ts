/**
 * What is to run, as it is written, and everything that is wrong with it: `check`, starts and reloads have one judge.
 */
import type { Config } from '../config/index.js';
import { diagnose } from '../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  inOrder,
  nearestNames,
  Refusals,
  severalRefusals,
  untold,
} from '../errors/index.js';
import { type ContextTree, Loader } from '../loader/index.js';
import { tellsChildren } from '../loader/internal.js';
import { type Logger, silentLogger } from '../log/index.js';
import { checkManager, namedManager } from '../registry/internal.js';
import type { RPCService } from '../rpc/index.js';
import type { WSGIService, WSGIServiceOptions } from '../server/index.js';
import { type PlannedApi, pasteLoader, plannedApi } from '../server/internal.js';
import { configuredPasteFile, unread } from './configuration.js';
import { addCrossChecks } from './cross-checks.js';
import { type EnabledApisOptions, enabledApis, judgeMissing, type MakeApi, nothingEnabled } from './enabled-apis.js';
import { enabledServices } from './enabled-services.js';
import { apiNames, pipelineOf, sectionNames, serviceNames, withoutPasted } from './names.js';
import { logFileIssue } from './program-log.js';
import { FILTER_GROUPS, registerServedOptions, registerShippedOptions } from './shipped-options.js';

/** What a configuration starts, and what is to be told of it. */
export interface Planned<Api> {
  readonly apis: readonly Api[];
  /** Those beside the APIs. */
  readonly services: readonly RPCService[];
  /** Errors refuse it. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads and judges what is written, each file once. Imports no application, so it knows nothing of the options that only that has,
 * and makes no service of an API.
 */
export async function plan(config: Config, options: EnabledApisOptions): Promise<Planned<PlannedApi>> {
  const cause = unread(config);
  if (cause.length > 0) return { apis: [], services: [], diagnostics: cause };
  const { judged, problems } = await asJudged(config);
  let paste: Loader | undefined;
  const read = (): Loader => {
    paste ??= pasteLoader(config, options.log, '');
    return paste;
  };
  const make = (name: string, rest: WSGIServiceOptions & { readonly log: Logger }): PlannedApi =>
    plannedApi(name, config, { ...rest, paste: read });
  const { diagnostics, ...started } = await enabled(config, judged, options, make);
  const written = withoutPasted(judged, problems).filter(({ section = '' }) => !judged.isSectional(section));
  return { ...started, diagnostics: inOrder([...written, ...diagnostics]) };
}

/** What it enables, judged together, and what keeps it from starting beside its options. */
async function enabled<Api extends { readonly name: string }>(
  config: Config,
  judged: Config,
  options: EnabledApisOptions,
  make: MakeApi<Api>,
): Promise<Planned<Api>> {
  const { running = [] } = options;
  const { services, missing, diagnostics } = await enabledServices(config, options);
  const isService = (name: string): boolean => serviceNames(config).includes(name);
  const apis = await enabledApis(config, { ...options, running: running.filter((name) => !isService(name)) }, make);
  const next = [...apis.services, ...services].map(({ name }) => name);
  const ending = running.filter((name) => !next.includes(name));
  const found = [...apis.diagnostics, ...diagnostics, ...judgeMissing(config, missing, ending)];
  if (next.length === 0 && !found.some(isError)) found.unshift(nothingEnabled(config));
  // A reload keeps the file that is open.
  const unlogged = running.length > 0 ? undefined : logFileIssue(judged);
  if (unlogged !== undefined) found.unshift(unlogged);
  return { apis: apis.services, services, diagnostics: found };
}

/**
 * The configuration seen through every option that ships; those of filters only where it has a name that is none of the
 * others, for they are imported for it. What stands in the sections of filters is for their workers to judge.
 */
async function asJudged(config: Config): Promise<{ judged: Config; problems: readonly Diagnostic[] }> {
  // What declaring them comes upon is among the problems.
  const ignored = new Refusals();
  await ignored.gather(() => registerServedOptions(config));
  addCrossChecks(config);
  const strict = config.resolve('DEFAULT', 'strict_config').value === true;
  const complete = strict || config.variables.length > 0 || config.arguments.length > 0;
  const found = config.problems({ complete }).filter((each) => !isFilterSection(each));
  const unknown = found.some(({ code }) => code.startsWith('PORTICO_CONFIG_UNKNOWN_')) || hasNearFilterSection(config);
  const short = Object.keys(process.env).some((name) => name.startsWith('PORTICO_') && !name.includes('__'));
  if (!unknown && !short) return { judged: config, problems: found };
  const judged = config.copy();
  addCrossChecks(judged);
  await ignored.gather(() => registerShippedOptions(judged));
  return { judged, problems: judged.problems({ complete: false }) };
}

function isFilterSection({ code, severity, section = '' }: Diagnostic): boolean {
  return code === 'PORTICO_CONFIG_UNKNOWN_SECTION' && severity === 'warning' && FILTER_GROUPS.has(section);
}

/** A section with nearly the name of a filter's: whether that was meant depends on what it holds. */
function hasNearFilterSection(config: Config): boolean {
  const others = config.listAllSections().filter((section) => !FILTER_GROUPS.has(section));
  return others.some((section) => nearestNames(section, FILTER_GROUPS).length > 0);
}

/** How thoroughly {@link judge} looks. */
export interface JudgeOptions extends Partial<EnabledApisOptions> {
  /** False looks for modules without importing them. */
  readonly import?: boolean;
  /**
   * Whether apps may be built under `strict_config`, to learn which options they read. Default true; with a name: those of other APIs
   * alone.
   */
  readonly build?: boolean | { readonly but: string } | undefined;
}

/**
 * The same with all that only shows once the applications are imported: what their factories, managers and options are wrong
 * with. What no enabled API leads to refuses nothing: sections of the paste file, and groups of filters.
 */
export async function judge(config: Config, options: JudgeOptions = {}): Promise<Planned<WSGIService>> {
  const { import: imports = true, build = true, ...rest } = options;
  const cause = unread(config);
  if (cause.length > 0) return { apis: [], services: [], diagnostics: cause };
  const judged = config.copy();
  await registerShippedOptions(judged).catch(refusalsOnly);
  addCrossChecks(judged);
  const { WSGIService } = await import('../server/index.js');
  const make: MakeApi<WSGIService> = (name, given) => new WSGIService(name, config, given);
  const given = await enabled(config, judged, { log: silentLogger(), ...rest }, make);
  const { apis, services } = given;
  await Promise.all([...apis, ...services].map((service) => service.stop()));
  const pasted =
    apis.length === 0 && services.length > 0
      ? { diagnostics: [], followed: false }
      : await judgePasteFile(judged, apis, imports);
  const strict = judged.resolve('DEFAULT', 'strict_config').value === true;
  // A manager may read any option.
  const told = imports && services.length === 0 && (await tellAllTheyRead(judged, apis, strict && build));
  const written = withoutPasted(judged, judged.problems({ complete: told })).flatMap((issue): Diagnostic[] => {
    if (!strict && isFar(issue)) return [{ ...issue, severity: 'warning' }];
    if (issue.severity === 'warning' || !judged.isSectional(issue.section ?? '') || !pasted.followed) return [issue];
    if (pasted.diagnostics.some((each) => isSame(each, issue))) return [];
    return [{ ...issue, severity: 'warning', message: `${issue.message} (no enabled API takes its value from here)` }];
  });
  const managers = imports ? await judgeManagers(judged) : [];
  const makesCalls = apis.some(({ name }) => managerOf(judged, `api:${name}`) !== undefined);
  const calls = makesCalls ? await remoteCallMistakes(judged) : [];
  const whole = [...written, ...managers, ...calls, ...pasted.diagnostics];
  return { ...given, diagnostics: inOrder(joined(whole, given.diagnostics)).map(asForOthers) };
}

/**
 * The same with every service built as its first worker would: what factories and managers refuse is told too. Rejects with what
 * else keeps one from being built. Nothing is started, and what was built is let go.
 */
export async function buildAll(config: Config, options: JudgeOptions = {}): Promise<readonly Diagnostic[]> {
  const { apis, services, diagnostics } = await judge(config, options);
  const refusals = new Refusals();
  for (const service of [...apis, ...services]) {
    await refusals.gather(async () => {
      const letGo = await service.prepare();
      await letGo();
    });
  }
  return inOrder(joined(diagnostics, refusals.diagnostics));
}

/** A configuration that names no API at all may be that of a program of one's own: nothing is wrong with it. */
function asForOthers(diagnostic: Diagnostic): Diagnostic {
  const { code, place } = diagnostic;
  const isNamed = place !== undefined && place.kind !== 'default';
  return code === 'PORTICO_NO_APIS' && !isNamed ? { ...diagnostic, severity: 'warning' } : diagnostic;
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

/** Throws the errors among these as one refusal. */
export function refuseErrors(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter(isError);
  if (errors.length > 0) throw severalRefusals(errors);
}

/** The errors of a whole judgement, and those of a refusal beside it. */
export function withTheRest(refusal: ConfigurationRefused, whole: readonly Diagnostic[]): ConfigurationRefused {
  const errors = whole.filter(isError);
  return errors.length === 0 ? refusal : severalRefusals(joined(errors, refusal.diagnostics));
}

/** A whole judgement, and what it has not told. */
function joined(whole: readonly Diagnostic[], others: readonly Diagnostic[]): Diagnostic[] {
  const errors = whole.filter(isError);
  const pasted = errors.some(isPasted);
  const isTold = (each: Diagnostic): boolean =>
    (pasted && isError(each) && isPasted(each) && each.place === undefined) ||
    whole.some((other) => isSame(each, other));
  return [...whole, ...untold(errors, others).filter((each) => !isTold(each))];
}

/** Of a file that is met by every service that reads it. */
function isPasted({ code }: Diagnostic): boolean {
  return code.startsWith('PORTICO_PASTE_');
}

function isSame(a: Diagnostic, b: Diagnostic): boolean {
  return a.code === b.code && a.place?.detail === b.place?.detail && a.section === b.section && a.option === b.option;
}

/** A name of `[DEFAULT]` that comes near nothing may belong to an application. */
function isFar({ code, section, hint, got }: Diagnostic): boolean {
  return code === 'PORTICO_CONFIG_UNKNOWN_OPTION' && section === 'DEFAULT' && hint === undefined && got === undefined;
}

interface JudgedPasteFile {
  readonly diagnostics: readonly Diagnostic[];
  /** It was followed from every API: what is wrong elsewhere in it keeps nothing from starting. */
  readonly followed: boolean;
}

/** What is wrong with the paste file: first as each API would load it, then the rest of it. */
async function judgePasteFile(
  config: Config,
  apis: readonly WSGIService[],
  imports: boolean,
): Promise<JudgedPasteFile> {
  const found: Diagnostic[] = [];
  const names = imports ? pipelines(config) : undefined;
  try {
    const file = configuredPasteFile(config);
    if (imports) {
      for (const { name, pipeline } of apis) {
        found.push(...(await Loader.checkFile(file, { config, service: name, names: [pipeline] })));
      }
    }
    const rest = names === undefined ? {} : { names, others: true };
    found.push(...(await Loader.checkFile(file, { config, import: imports, trial: false, ...rest })));
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    found.push(...error.diagnostics);
  }
  return { diagnostics: found, followed: names !== undefined };
}

/** The apps of the paste file that the enabled APIs begin with, as far as it has them; undefined where that is not known. */
function pipelines(config: Config): string[] | undefined {
  try {
    const loader = new Loader(configuredPasteFile(config), { config });
    return apiNames(config)
      .map((name) => pipelineOf(config, name))
      .filter((name) => loader.has(name));
  } catch (error) {
    refusalsOnly(error);
    return undefined;
  }
}

function refusalsOnly(error: unknown): void {
  if (!(error instanceof ConfigurationRefused)) throw error;
}

/**
 * Whether all options that the APIs read are declared by now. A factory that has not declared its own may read any, as a manager may:
 * `build` calls the factories of such an API, as a start does, and lets go of what they made.
 */
async function tellAllTheyRead(
  config: Config,
  apis: readonly WSGIService[],
  build: NonNullable<JudgeOptions['build']>,
): Promise<boolean> {
  for (const api of apis) {
    const { name, pipeline } = api;
    if (managerOf(config, `api:${name}`) !== undefined) return false;
    try {
      const tree = await new Loader(configuredPasteFile(config), { config }).tree(pipeline);
      if (hasDeclared(tree) || (typeof build === 'object' && build.but === name)) continue;
      if (!build) return false;
      const letGo = await api.prepare(config);
      await letGo();
    } catch (error) {
      refusalsOnly(error);
      return false;
    }
  }
  return true;
}

function hasDeclared({ resolved, filters = [], app, filter, next, children = [] }: ContextTree): boolean {
  const declared = resolved === undefined || tellsChildren(resolved) !== undefined || 'options' in Object(resolved);
  const inner = [...filters, app, filter, next, ...children.map(({ context }) => context)];
  return declared && inner.every((each) => each === undefined || hasDeclared(each));
}

/** What is wrong with `[rpc]`. Judged where remote calls may be made, and nowhere else: what makes them is loaded for it. */
async function remoteCallMistakes(config: Config): Promise<readonly Diagnostic[]> {
  const { RPCConnection } = await import('../rpc/index.js');
  const refusals = new Refusals();
  await refusals.gather(() => new RPCConnection({ config, log: silentLogger() }));
  return refusals.diagnostics;
}

function managerOf(config: Config, group: string): string | undefined {
  return config.has(group, 'manager') ? namedManager(config, { group, opt: 'manager' }) : undefined;
}

/**
 * The managers of APIs and services: a module that is missing stops the start, and a name that it does not export. Services that
 * are not enabled may be started elsewhere, by the same file: a warning.
 */
async function judgeManagers(config: Config): Promise<Diagnostic[]> {
  const found: Diagnostic[] = [];
  const apis = apiNames(config).map((name) => `api:${name}`);
  const services = serviceNames(config).map((name) => `service:${name}`);
  const others = sectionNames(config, 'service').map((name) => `service:${name}`);
  for (const group of new Set([...apis, ...services, ...others])) {
    const option = { group, opt: 'manager' };
    const reference = managerOf(config, group);
    if (reference === undefined) continue;
    try {
      await checkManager(reference, config, option);
    } catch (error) {
      const { code, hint, cause } = error as ConfigurationRefused;
      // The finding has a place of its own.
      const { message } = cause as Error;
      const isEnabled = apis.includes(group) || services.includes(group);
      const judged = isEnabled
        ? { message }
        : { message: `${message} (this service is not enabled here)`, severity: 'warning' as const };
      found.push(diagnose(config, { code, ...option, ...judged, hint }));
    }
  }
  return found;
}
