/**
 * Check of a whole configuration, with its applications imported and built: shared by `check`, reloads and refused starts.
 */
import { configuredFaultForm } from '../app/internal.js';
import type { Config } from '../config/index.js';
import { diagnose, isUnknownName, isUnknownSection } from '../config/internal.js';
import { ConfigurationRefused, type Diagnostic, inOrder, Refusals } from '../errors/index.js';
import { type ContextTree, Loader } from '../loader/index.js';
import { tellsChildren } from '../loader/internal.js';
import { silentLogger } from '../log/index.js';
import { checkManager, namedManager } from '../registry/internal.js';
import { WSGIService } from '../server/index.js';
import { type PlannedApi, sectionOfName } from '../server/internal.js';
import { configuredPasteFile, unread } from './configuration.js';
import { addCrossChecks } from './cross-checks.js';
import { type DeclaredGroups, registerGroups } from './declared-groups.js';
import type { EnabledApisOptions } from './enabled-apis.js';
import { enabledServices, makingServices } from './enabled-services.js';
import { namedLogger } from './named-logger.js';
import { apiNames, pipelineOf, refusalsOnly, sectionNames, serviceNames, withoutPasted } from './names.js';
import { enabled, isSame, joined, type Planned } from './plan.js';
import { buildAndFind } from './route-findings.js';
import { registerShippedOptions } from './shipped-options.js';

/** Options of {@link judge}. */
export interface JudgeOptions extends Partial<EnabledApisOptions> {
  /** False: finds modules without importing them. */
  readonly import?: boolean;
  /** Options that the program has declared. */
  readonly groups?: DeclaredGroups;
}

/**
 * Returns the services that a configuration starts, with mistakes that only an import of the applications reveals: in their factories,
 * managers and options. Mistakes in parts that no enabled API reaches refuse nothing: sections of the paste file, and groups of filters.
 */
export async function judge(config: Config, options: JudgeOptions = {}): Promise<Planned> {
  const { import: imports = true, groups = new Map(), ...rest } = options;
  const cause = unread(config);
  if (cause.length > 0) return { apis: [], services: [], diagnostics: cause };
  const judged = config.copy();
  await registerShippedOptions(judged).catch(refusalsOnly);
  registerGroups(judged, groups);
  addCrossChecks(judged);
  const log = silentLogger();
  const given = await enabled(config, { log, ...rest });
  const { apis, services } = given;
  const pasted =
    apis.length === 0 && services.length > 0
      ? { diagnostics: [], followed: false }
      : await judgePasteFile(judged, apis, imports);
  const strict = judged.resolve('DEFAULT', 'strict_config').value === true;
  // A manager may read any option.
  const isUnclear = judged.problems({ complete: true }).some(isUnknownName);
  // A paste file that cannot be read does not say which factories there are.
  const told = imports && pasted.followed && services.length === 0 && (await tellAllTheyRead(judged, apis, isUnclear));
  const near =
    told && !strict && isUnclear && (await othersMayRead(judged)) ? judged.problems({ complete: false }) : undefined;
  const written = withoutPasted(judged, judged.problems({ complete: told })).flatMap((issue): Diagnostic[] => {
    if (near !== undefined && isUnknownSection(issue) && !near.some((each) => isSame(each, issue))) return [];
    if (!strict && isFar(issue)) return [{ ...issue, severity: 'warning' }];
    if (issue.severity === 'warning' || !judged.isSectional(issue.section ?? '') || !pasted.followed) return [issue];
    if (pasted.diagnostics.some((each) => isSame(each, issue))) return [];
    return [{ ...issue, severity: 'warning', message: `${issue.message} (no enabled API uses this value)` }];
  });
  const loggers = imports ? await judgeLogger(judged) : [];
  const managers = imports ? await judgeManagers(judged) : [];
  const faults = imports ? await judgeFaultStyles(judged, apis) : [];
  const makesCalls = apis.some(({ name }) => managerOf(judged, `api:${name}`) !== undefined);
  const calls = makesCalls ? await remoteCallMistakes(judged) : [];
  const sections = told ? [] : apis.flatMap(({ name }) => optionsBesideApi(judged, name));
  const whole = [...written, ...sections, ...loggers, ...managers, ...faults, ...calls, ...pasted.diagnostics];
  return { ...given, diagnostics: inOrder(joined(whole, given.diagnostics)) };
}

/**
 * As {@link judge}, and builds every service as its first worker would: includes refusals of factories and managers, and warnings about
 * routes. Rejects with other errors of a build. Starts nothing, and releases what was built.
 */
export async function buildAll(config: Config, options: JudgeOptions = {}): Promise<readonly Diagnostic[]> {
  const { apis, services, diagnostics } = await judge(config, options);
  const refusals = new Refusals();
  let found: readonly Diagnostic[] = [];
  for (const api of apis) {
    const odd = await refusals.gather(() => buildAndFind(api, config, () => tryToBuild(api, config)));
    found = joined(found, odd ?? []);
  }
  // The app of an API with refused options or certificates may have mistakes too.
  const refused = apiNames(config).filter((name) => apis.every((api) => api.name !== name));
  for (const name of refused) await refusals.gather(() => tryToLoad(name, config));
  if (services.length > 0) {
    const made = await enabledServices(config, { log: silentLogger(), ...options }, makingServices);
    for (const service of made.services) await refusals.gather(async () => (await service.prepare())());
  }
  return inOrder(joined(joined(diagnostics, refusals.diagnostics), found));
}

/** Builds an API as its worker would, and releases it. */
async function tryToBuild({ name, usesTls }: PlannedApi, config: Config): Promise<void> {
  const service = new WSGIService(name, config, { log: silentLogger(), useSsl: usesTls, judged: true });
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

/**
 * Returns mistakes of a section `[<name>]` that is empty or has options of `[api:<name>]`, if the options of the app's factory are unknown:
 * a start reports more, after the factory was called.
 */
function optionsBesideApi(config: Config, name: string): readonly Diagnostic[] {
  const written = config.listOptions(name);
  const isMeant = written.length === 0 || written.some((option) => config.has(`api:${name}`, option));
  return isMeant ? sectionOfName(config, name) : [];
}

/** Reports whether a name of `[DEFAULT]` is similar to no known one, and so may belong to an application. */
function isFar({ code, section, hint, got }: Diagnostic): boolean {
  return code === 'PORTICO_CONFIG_UNKNOWN_OPTION' && section === 'DEFAULT' && hint === undefined && got === undefined;
}

/**
 * Returns the mistakes of the paste file: first as each API would load it, then the rest of it. `followed`: true if it was followed from
 * every API, so that mistakes elsewhere in it prevent nothing from starting.
 */
async function judgePasteFile(config: Config, apis: readonly PlannedApi[], imports: boolean) {
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

/** Returns the apps of the paste file that the enabled APIs begin with, as far as it has them; undefined if unknown. */
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

/**
 * Reports whether all options that the APIs read are declared by now. A factory that has not declared its options may read any, as a
 * manager may: `build` calls the factories of such an API, as a start does, and releases their results.
 */
async function tellAllTheyRead(config: Config, apis: readonly PlannedApi[], build: boolean): Promise<boolean> {
  for (const api of apis) {
    const { name, pipeline } = api;
    if (managerOf(config, `api:${name}`) !== undefined) return false;
    try {
      const tree = await new Loader(configuredPasteFile(config), { config }).tree(pipeline);
      if (hasDeclared(tree)) continue;
      if (!build) return false;
      await tryToBuild(api, config);
    } catch (error) {
      refusalsOnly(error);
      return false;
    }
  }
  return true;
}

/**
 * Reports whether a section may belong to parts that are not enabled here, as in a file that several hosts share: a manager, or an API
 * whose factories have not declared their options.
 */
export async function othersMayRead(config: Config): Promise<boolean> {
  const sections = config.listAllSections().filter((section) => /^(?:api|service):/.test(section));
  if (sections.some((section) => config.listOptions(section).includes('manager'))) return true;
  const enabled = apiNames(config);
  for (const name of sectionNames(config, 'api').filter((each) => !enabled.includes(each))) {
    try {
      const loader = new Loader(configuredPasteFile(config), { config });
      if (!hasDeclared(await loader.tree(pipelineOf(config, name)))) return true;
    } catch (error) {
      refusalsOnly(error);
    }
  }
  return false;
}

function hasDeclared({ resolved, filters = [], app, filter, next, children = [] }: ContextTree): boolean {
  const declared = resolved === undefined || tellsChildren(resolved) !== undefined || 'options' in Object(resolved);
  const inner = [...filters, app, filter, next, ...children.map(({ context }) => context)];
  return declared && inner.every((each) => each === undefined || hasDeclared(each));
}

/** Returns mistakes of `[rpc]`. Checked only if remote calls are possible, because the check loads their modules. */
async function remoteCallMistakes(config: Config): Promise<readonly Diagnostic[]> {
  const { RPCConnection } = await import('../rpc/index.js');
  const refusals = new Refusals();
  await refusals.gather(() => new RPCConnection({ config, log: silentLogger() }));
  return refusals.diagnostics;
}

/** Returns the mistake in the named logger. */
async function judgeLogger(config: Config): Promise<readonly Diagnostic[]> {
  const refusals = new Refusals();
  await refusals.gather(() => namedLogger(config));
  return refusals.diagnostics.filter(({ code }) => code === 'PORTICO_LOGGER');
}

/** Returns mistakes in the named fault renderers; an invalid name is among the mistakes of the options. */
async function judgeFaultStyles(config: Config, apis: readonly PlannedApi[]): Promise<Diagnostic[]> {
  const refusals = new Refusals();
  for (const { name } of apis) await refusals.gather(() => configuredFaultForm(config, name));
  const found = refusals.diagnostics.filter(({ code }) => code === 'PORTICO_FAULT_STYLE');
  return found.filter((each, at) => found.findIndex((other) => isSame(each, other)) === at);
}

function managerOf(config: Config, group: string): string | undefined {
  return config.has(group, 'manager') ? namedManager(config, { group, opt: 'manager' }) : undefined;
}

/**
 * Returns mistakes of the managers of APIs and services: a missing module or export stops the start. For services that are not enabled,
 * which the same file may start elsewhere, they are warnings.
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
      // The finding has its own place.
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
