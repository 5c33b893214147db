/**
 * Plans of the APIs that a configuration enables; and the errors of names without an app, and of APIs without a port, which listen on any
 * free port, where clients do not find them.
 */

import type { Config } from '../../config/index.js';
import { ConfigError, diagnose, isSet } from '../../config/internal.js';
import {
  type Diagnostic,
  didYouMean,
  locationText,
  nearestNames,
  printDiagnostic,
  Refusals,
} from '../../errors/index.js';
import type { PasteFile } from '../../loader/internal.js';
import { ConfigNotFound, PasteAppNotFound } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import {
  apiOptions,
  configuredPaste,
  missingComma,
  type Names,
  namedPipeline,
  type PlannedApi,
  pipelineOf,
  plannedApi,
  servingOptions,
} from '../../server/internal.js';
import type { ListenAddress } from '../../service/index.js';

/** Options of {@link enabledApis}. */
export interface EnabledApisOptions {
  readonly log: Logger;
  /** Readable log, one worker, development certificates if none are named. */
  readonly dev?: boolean;
  /** Running APIs, in a reload. */
  readonly running?: readonly string[];
}

/**
 * Returns the plan of each name in `enabled_apis`, in that order, by default for every `[api:<name>]`; and the errors of the others. A name
 * that the paste file lacks is a warning with the nearest one. It is an error if nothing else is served, and in a reload in which a running API
 * would end, because that is most likely the intended one.
 */
export async function enabledApis(
  config: Config,
  names: Names,
  { log, dev = false, running = [] }: EnabledApisOptions,
): Promise<{ readonly apis: readonly PlannedApi[]; readonly diagnostics: readonly Diagnostic[] }> {
  const refusals = new Refusals();
  const apis: PlannedApi[] = [];
  let read: PasteFile | undefined;
  const paste = (): PasteFile => {
    read ??= configuredPaste(config);
    return read;
  };
  const missing: Diagnostic[] = [];
  const add = async (name: string, useSsl: boolean): Promise<void> => {
    try {
      apis.push(await plannedApi(name, config, { log, useSsl, dev, paste }));
    } catch (error) {
      if (error instanceof PasteAppNotFound) missing.push(missingAppIssue(config, name, { names, error }));
      else throw error;
    }
  };
  for (const name of names.apis) await refusals.gather(() => add(name, names.sslApis.includes(name)));
  const next = apis.map(({ name }) => name);
  await refusals.gather(() => refuseGivenUp(config, running, next));
  const ending = running.filter((name) => !next.includes(name));
  return { apis, diagnostics: [...refusals.diagnostics, ...missingDiagnostics(missing, ending)] };
}

/** Returns errors for names without an app, if running APIs that are no longer named would end. */
export function missingDiagnostics(missing: readonly Diagnostic[], ending: readonly string[]): readonly Diagnostic[] {
  return missing.map((issue): Diagnostic => {
    if (ending.length === 0) return issue;
    const message = `${issue.message}, and ${ending.join(', ')} would stop serving`;
    return { ...issue, severity: 'error', message };
  });
}

/** Returns the diagnostic for a configuration without anything to run, at the location of its option if it has one. */
export function nothingEnabled(config: Config, { services }: Names): Diagnostic {
  const isListed = services.length > 0 && isSet(config, 'DEFAULT', 'enabled_services');
  const [what, opt] = isListed ? ['services', 'enabled_services'] : ['APIs', 'enabled_apis'];
  const message = `No ${what} were started. Check the ${opt} config option.`;
  return diagnose(config, { code: 'PORTICO_NO_APIS', group: 'DEFAULT', opt, message });
}

/** Returns the error of a paste file that does not exist. */
export function missingPaste(config: Config): readonly Diagnostic[] {
  try {
    configuredPaste(config);
    return [];
  } catch (error) {
    // Errors in an existing file are reported with those of the other files.
    return error instanceof ConfigNotFound ? error.diagnostics : [];
  }
}

/** Returns a warning that the paste file has no app for an API: at the wrong name, with the name that was probably intended. */
function missingAppIssue(
  config: Config,
  name: string,
  { names, error }: { readonly names: Names; readonly error: PasteAppNotFound },
): Diagnostic {
  const pipeline = namedPipeline(config, name);
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const message = `no app is called "${pipeline ?? name}" in ${apiPasteConfig}, so this API does not start`;
  const isListed = config.getLocation('DEFAULT', 'enabled_apis').kind !== 'default';
  const near = pipeline === undefined ? nearestStartable(config, name, { names, isListed }) : undefined;
  const issue = { severity: 'warning' as const, code: error.code, message, hint: near ?? error.hint };
  if (pipeline !== undefined) return diagnose(config, { ...issue, group: `api:${name}`, opt: 'pipeline' });
  if (isListed) return diagnose(config, { ...issue, group: 'DEFAULT', opt: 'enabled_apis', item: name });
  return diagnose(config, { ...issue, group: `api:${name}` });
}

/** Returns a hint with a missing comma, or with the nearest other API that has an app: of a list, or of the header of a section. */
function nearestStartable(
  config: Config,
  name: string,
  { names, isListed }: { readonly names: Names; readonly isListed: boolean },
): string | undefined {
  const sections = names.sections.api;
  const paste = configuredPaste(config);
  const apps = paste.sections().flatMap((each) => (each.kind === 'app' ? [each.name] : []));
  const comma = missingComma(name, [...sections, ...apps]);
  if (comma !== undefined) return comma;
  const others = sections.filter((each) => each !== name && paste.has(pipelineOf(config, each)));
  if (isListed) return didYouMean(name, others);
  const [near] = nearestNames(name, [...others, ...apps]);
  return near === undefined ? undefined : `Did you mean [api:${near}]?`;
}

/** Returns a warning for an API without a port. None for `port = 0`, which requests any port. */
export function unplacedApi(config: Config, name: string): Diagnostic | undefined {
  const { listen, port } = config.api(name, apiOptions, { partial: true });
  if (listen.kind !== 'tcp' || listen.port !== undefined || port !== 0) return undefined;
  const group = `api:${name}`;
  const { written, location } = config.resolve(group, 'port');
  const given = written.at(-1);
  if (given !== undefined && given.text.trim() !== '') return undefined;
  return {
    severity: 'warning',
    code: 'PORTICO_API_NO_PORT',
    section: group,
    option: 'port',
    location: given === undefined ? config.getSectionLocation(group) : location,
    message: `${name} has no port: it listens on any free port`,
    hint: `write port = <number> in [${group}], or port = 0 if any port is fine`,
  };
}

/** As {@link unplacedApi}, after it listens, with its actual port. */
export function unplacedAt(config: Config, name: string, addresses: readonly ListenAddress[]): string | undefined {
  const found = unplacedApi(config, name);
  const [address] = addresses;
  if (found === undefined || address === undefined || 'path' in address) return undefined;
  const message = `${name} has no port: it listens on ${address.port}, a free port`;
  return printDiagnostic({ ...found, message });
}

/**
 * Throws ConfigError if a running API would end and leave its address unused, while an API of `next`, which is new and has no port, would
 * listen on any port.
 */
function refuseGivenUp(config: Config, running: readonly string[], next: readonly string[]): void {
  const left = running.find((name) => !next.includes(name) && isPlaced(config, name));
  if (left === undefined) return;
  const unplaced = next.filter((name) => !running.includes(name) && unplacedApi(config, name) !== undefined);
  const place = locationText(config.getSectionLocation(`api:${left}`)!);
  const issues = unplaced.map((name) =>
    diagnose(config, {
      code: 'PORTICO_API_NO_PORT',
      group: 'DEFAULT',
      opt: 'enabled_apis',
      item: name,
      message: `${name} has no port, and ${left}, which has one, would stop serving`,
      hint: `rename [api:${left}] (${place}) to [api:${name}], or write port = <number> in [api:${name}]`,
    }),
  );
  if (issues.length > 0) throw new ConfigError(issues);
}

/** Reports whether it has a section with its own address. */
function isPlaced(config: Config, name: string): boolean {
  const isSet = (opt: string): boolean => config.getLocation(`api:${name}`, opt).kind !== 'default';
  return config.getSectionLocation(`api:${name}`) !== undefined && (isSet('port') || isSet('listen'));
}
