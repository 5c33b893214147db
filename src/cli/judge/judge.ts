/**
 * The one judgement of a configuration: every mistake of its files, and of the applications that it names, which it builds as their workers
 * would. `check`, a refused start, a dry run and a refused reload print its list.
 */
import type { Config } from '../../config/index.js';
import { isUnknownName } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  ignoreErrors,
  inOrder,
  isError,
  Refusals,
  refusalsOnly,
  shownPath,
  whole,
} from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { silentLogger } from '../../log/internal.js';
import { checkManager, namedManager } from '../../registry/internal.js';
import { WSGIService } from '../../server/index.js';
import { type PlannedApi, sectionOfName } from '../../server/internal.js';
import { configuredPasteFile, unread } from '../configured/configuration.js';
import { addCrossChecks } from '../configured/cross-checks.js';
import { type DeclaredGroups, registerGroups } from '../configured/declared-groups.js';
import type { EnabledApisOptions } from '../configured/enabled-apis.js';
import { enabledServices, makingServices } from '../configured/enabled-services.js';
import { namedLogger } from '../configured/named-logger.js';
import { apiNames, pipelineOf, sectionNames, serviceNames, withoutPasted } from '../configured/names.js';
import { besideOptions } from '../configured/passed-over.js';
import { registerServedOptions, registerShippedOptions } from '../configured/shipped-options.js';
import { plan } from './plan.js';
import type { BuiltProgram } from './program.js';
import { buildAndFind } from './route-findings.js';

/** Options of {@link judge}. */
export interface JudgeOptions extends Partial<EnabledApisOptions> {
  /** False: finds modules without importing them, and builds nothing. */
  readonly import?: boolean;
  /** Options that the program has declared. */
  readonly groups?: DeclaredGroups;
  /** Gets what the builds refuse. */
  readonly refusals?: Refusals;
  /** True: the options that are declared so far are known. Default: only those of `groups`. */
  readonly declared?: boolean;
  /** Services that are built already: they are judged in place of the enabled ones. */
  readonly program?: BuiltProgram;
  /** Name of the enabled service that this process has built: it is not built again. */
  readonly built?: string | undefined;
}

/**
 * Returns all mistakes and warnings of a configuration. Builds each service and releases it, starts none. Rejects with other errors of a
 * build. Mistakes in parts that no enabled API reaches refuse nothing.
 */
export async function judge(config: Config, options: JudgeOptions = {}): Promise<readonly Diagnostic[]> {
  const {
    import: imports = true,
    groups = new Map(),
    log = silentLogger(),
    refusals = new Refusals(),
    program,
    built,
    declared = program !== undefined || built !== undefined,
    ...rest
  } = options;
  const cause = unread(config);
  if (cause.length > 0) return cause;
  const judged = config.copy({ declared });
  registerGroups(judged, groups);
  ignoreErrors(() => registerServedOptions(judged));
  addCrossChecks(judged);
  const planned = program === undefined ? await plan(judged, { log, ...rest }) : undefined;
  const { apis, services, diagnostics } = planned ?? { apis: program!.apis, services: [], diagnostics: [] };
  // A program of other services has no paste file.
  const mayBePasted = program === undefined && (!declared || built !== undefined || apiNames(judged).length > 0);
  const isPasted = apis.length > 0 || (services.length === 0 && mayBePasted);
  const pasted = isPasted ? await ofPasteFile(judged, apis, imports, program) : [];
  const warned = imports && planned !== undefined ? await buildAll(judged, planned, { ...rest, built, refusals }) : [];
  // A manager declares nothing before a start, and an unknown name is refused after the build.
  const isLater = (each: Diagnostic): boolean => isUnknownName(each) || each.code === 'PORTICO_MANAGER';
  const unbuilt = [...pasted, ...refusals.diagnostics].filter((each) => isError(each) && !isLater(each));
  const complete = imports && unbuilt.length === 0 && !mayReadAny(judged, program);
  // Filters that no pipeline has are imported only to tell their names from unknown ones; a misspelt option of a known section is none of them.
  const isMisspelt = ({ option, hint, place }: Diagnostic) =>
    option !== undefined && hint !== undefined && place?.kind === 'file';
  const mayBeShipped = (each: Diagnostic): boolean => isUnknownName(each) && !isMisspelt(each);
  if (judged.problems({ complete: true }).some(mayBeShipped)) await registerShippedOptions(judged).catch(refusalsOnly);
  const strict = judged.resolve('DEFAULT', 'strict_config').value === true;
  const names = judged.problems({ complete: complete && (strict || !isShared(judged, program)) });
  const sections = complete || unbuilt.length > 0 ? [] : apis.flatMap(({ name }) => sectionOfName(judged, name));
  const written = withoutPasted(judged, [...names, ...sections])
    // The values of filters are judged where a pipeline uses them.
    .filter(({ section = '', severity }) => severity === 'warning' || !judged.isSectional(section))
    .map((each): Diagnostic => (strict || !isFar(each) ? each : { ...each, severity: 'warning' }));
  const found = whole(written, besideOptions(judged, program), diagnostics, pasted, refusals.diagnostics, warned);
  return inOrder(found, [undefined, ...judged.configFiles.map(shownPath)]);
}

/** Builds everything that the configuration names, and notes what is refused. Returns warnings about routes. */
async function buildAll(
  config: Config,
  { apis, services }: { readonly apis: readonly PlannedApi[]; readonly services: readonly unknown[] },
  {
    refusals,
    built,
    ...rest
  }: Partial<EnabledApisOptions> & Pick<JudgeOptions, 'built'> & { readonly refusals: Refusals },
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  await refusals.gather(() => namedLogger(config));
  for (const api of apis.filter(({ name }) => name !== built)) {
    const odd = await refusals.gather(() => buildAndFind(api, config, () => tryToBuild(api, config, rest.dev)));
    found.push(...(odd ?? []));
  }
  for (const name of apiNames(config)) {
    const hasManager = await refusals.gather(() => findManager(`api:${name}`, config));
    if (hasManager === true) await refusals.gather(() => makeCalls(config));
  }
  for (const name of sectionNames(config, 'service').filter((each) => !serviceNames(config).includes(each))) {
    const elsewhere = new Refusals();
    await elsewhere.gather(() => findManager(`service:${name}`, config));
    for (const { message, ...each } of elsewhere.diagnostics)
      found.push({ ...each, severity: 'warning', message: `${message} (this service is not enabled here)` });
  }
  // The app of an API with refused options or certificates may have mistakes too.
  const refused = apiNames(config).filter((name) => apis.every((api) => api.name !== name));
  for (const name of refused) await refusals.gather(() => tryToLoad(name, config));
  if (services.length === 0) return found;
  const made = await enabledServices(config, { log: silentLogger(), ...rest }, makingServices);
  for (const service of made.services.filter(({ name }) => name !== built))
    await refusals.gather(async () => (await service.prepare())());
  return found;
}

/** Builds an API as its worker would, and releases it. */
async function tryToBuild({ name, usesTls }: PlannedApi, config: Config, dev = false): Promise<void> {
  const service = new WSGIService(name, config, { log: silentLogger(), useSsl: usesTls, dev });
  const letGo = await service.prepare(config);
  await Promise.resolve(letGo());
}

/** Builds only its app. */
async function tryToLoad(name: string, config: Config): Promise<void> {
  const loader = new Loader(configuredPasteFile(config), { config, service: name, log: silentLogger() });
  const pipeline = pipelineOf(config, name);
  if (!loader.has(pipeline)) return;
  const app = await loader.loadApp(pipeline);
  await app.close();
}

/** Imports the manager that a section names, if any. */
async function findManager(group: string, config: Config): Promise<boolean> {
  const option = { group, opt: 'manager' };
  const manager = config.has(group, 'manager') ? namedManager(config, option) : undefined;
  if (manager !== undefined) await checkManager(manager, config, option);
  return manager !== undefined;
}

/** Reads `[rpc]`. Only if a manager may make remote calls, because that loads their modules. */
async function makeCalls(config: Config): Promise<void> {
  const { RPCConnection } = await import('../../rpc/index.js');
  new RPCConnection({ config, log: silentLogger() });
}

/** Returns the mistakes of the paste file: first as each API would load it, then the rest of it. */
async function ofPasteFile(
  config: Config,
  apis: readonly Pick<PlannedApi, 'name' | 'pipeline'>[],
  imports: boolean,
  program?: BuiltProgram,
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  try {
    const file = configuredPasteFile(config);
    const started = program?.apis.map(({ pipeline }) => pipeline);
    const names = started ?? ignoreErrors(() => startedApps(file, config));
    for (const { name, pipeline } of imports ? apis : []) {
      found.push(...(await Loader.checkFile(file, { config, service: name, names: [pipeline] })));
    }
    const rest = imports && names !== undefined ? { names, others: true } : {};
    found.push(...(await Loader.checkFile(file, { config, import: imports, trial: false, ...rest })));
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    found.push(...error.diagnostics);
  }
  return found;
}

/** Returns the apps of the paste file that the enabled APIs begin with, as far as it has them. */
function startedApps(file: string, config: Config): string[] {
  const loader = new Loader(file, { config });
  const named = apiNames(config).map((name) => pipelineOf(config, name));
  return named.filter((name) => loader.has(name));
}

/**
 * Returns the sections that neither a service that is built with this configuration reads, nor shipped filters and apps that no pipeline
 * has; undefined if the paste file has mistakes. Builds nothing. A section that a manager, or an API of another host, may read has no hint,
 * unless it is near a known one.
 */
export async function unknownSections(
  config: Config,
  program?: BuiltProgram,
): Promise<readonly Diagnostic[] | undefined> {
  await registerShippedOptions(config).catch(refusalsOnly);
  const { apis = apiNames(config) } = program ?? {};
  if (apis.length > 0 && (await ofPasteFile(config, [], true, program)).length > 0) return undefined;
  const all = config.problems({ complete: true });
  if (!mayReadAny(config, program) && !isShared(config, program)) return all;
  const near = new Set(config.problems({ complete: false }).map(({ section }) => section));
  return all.map(({ hint, ...each }) => (near.has(each.section) && hint !== undefined ? { ...each, hint } : each));
}

/** Reports whether a manager, which is created at a start, may still declare names. */
function mayReadAny(config: Config, program?: BuiltProgram): boolean {
  if (program?.declaresLater === true || serviceNames(config).length > 0) return true;
  return apiNames(config).some((name) => namedManager(config, { group: `api:${name}`, opt: 'manager' }) !== undefined);
}

/** Reports whether the file is also for APIs or services that are not enabled here, whose sections are theirs. */
function isShared(config: Config, program?: BuiltProgram): boolean {
  const [apis, services] = [program?.apis.map(({ name }) => name) ?? apiNames(config), serviceNames(config)];
  const others = sectionNames(config, 'api').filter((name) => !apis.includes(name));
  return others.length > 0 || sectionNames(config, 'service').some((name) => !services.includes(name));
}

/** Reports whether a name of `[DEFAULT]` is similar to no known one, and so may belong to another program. */
function isFar({ message, section, hint }: Diagnostic): boolean {
  return message === 'unknown option' && section === 'DEFAULT' && hint === undefined;
}
