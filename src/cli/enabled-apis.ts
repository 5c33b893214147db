/**
 * The APIs that a configuration enables, as services.
 */
import { type Config, ConfigError } from '../config/index.js';
import { locationOfItem } from '../config/internal.js';
import { type Diagnostic, didYouMean, Refusals } from '../errors/index.js';
import { Loader, PasteAppNotFound } from '../loader/index.js';
import type { Logger } from '../log/index.js';
import { WSGIService, type WSGIServiceOptions } from '../server/index.js';
import { apiOptions, enabledApisOptions, servingOptions } from '../server/internal.js';
import { apiNames, missingComma } from './api-names.js';
import { refuseGivenUp } from './missing-port.js';
import { enabledServiceNames, sectionNames } from './service-names.js';

/** How {@link enabledApis} makes services. */
export interface EnabledApisOptions {
  readonly log: Logger;
  /** Readable, one worker, certificates made where none are named. */
  readonly dev?: boolean;
  /** The APIs that run already, at a reload. */
  readonly running?: readonly string[];
  /** Makes one. Default: a WSGIService. */
  readonly make?: (name: string, options: WSGIServiceOptions) => WSGIService;
}

/** The services, and what is wrong with those that are not among them. */
export interface EnabledApis {
  readonly services: readonly WSGIService[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * One `WSGIService` for each name in `enabled_apis`, in that order; by default for every `[api:<name>]`. A name that the
 * paste file does not have is a warning with the nearest one, and an error under `strict_config`, where nothing else is
 * served, and at a reload where an API that runs would end: that is most likely the one that was meant.
 */
export async function enabledApis(config: Config, options: EnabledApisOptions): Promise<EnabledApis> {
  const { log, dev = false, running = [] } = options;
  const { make = (name, rest) => new WSGIService(name, config, rest) } = options;
  const refusals = new Refusals();
  const services: WSGIService[] = [];
  const missing: Diagnostic[] = [];
  const add = (name: string, useSsl: boolean): void => {
    try {
      services.push(make(name, { log, useSsl, dev }));
    } catch (error) {
      if (error instanceof PasteAppNotFound) missing.push(missingAppIssue(config, name, error));
      else throw error;
    }
  };
  await refusals.gather(async () => {
    const { enabledSslApis } = config.group('DEFAULT', enabledApisOptions, { partial: true });
    for (const name of apiNames(config)) await refusals.gather(() => add(name, enabledSslApis.includes(name)));
    await refusals.gather(() => refuseGivenUp(config, { running, next: services.map((service) => service.name) }));
  });
  const ending = running.filter((name) => !services.some((service) => service.name === name));
  return { services, diagnostics: [...refusals.diagnostics, ...judgeMissing(config, missing, ending)] };
}

/** Names that nothing has, where those that run and are not named any more would end. */
export function judgeMissing(
  config: Config,
  missing: readonly Diagnostic[],
  ending: readonly string[],
): readonly Diagnostic[] {
  const strict = config.resolve('DEFAULT', 'strict_config').value === true;
  return missing.map((issue): Diagnostic => {
    if (ending.length === 0) return strict ? { ...issue, severity: 'error' } : issue;
    const message = `${issue.message}, and ${ending.join(', ')} would end: nothing was changed`;
    return { ...issue, severity: 'error', message };
  });
}

/** What is said of a configuration that leaves nothing to run, at the place of the option that names it where it has one. */
export function nothingEnabled(config: Config): Diagnostic {
  const named = enabledServiceNames(config);
  const [what, option] = named.length > 0 ? ['services', 'enabled_services'] : ['APIs', 'enabled_apis'];
  const message = `No ${what} were started. Check the ${option} config option.`;
  const section = 'DEFAULT';
  const place = config.has(section, option) ? config.getLocation(section, option) : undefined;
  return { severity: 'error', code: 'PORTICO_NO_APIS', place, section, option, message };
}

/** The app of the paste file that an API names in its section; undefined where its own name is looked for. */
function ownPipeline(config: Config, name: string): string | undefined {
  try {
    return config.api(name, apiOptions, { partial: true }).pipeline || undefined;
  } catch (error) {
    // What is wrong with the section is reported as such.
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** That the paste file has no app for an API: at the name that is wrong, with what may have been meant. A warning. */
function missingAppIssue(config: Config, name: string, error: PasteAppNotFound): Diagnostic {
  const pipeline = ownPipeline(config, name);
  const [group, opt] = pipeline === undefined ? ['DEFAULT', 'enabled_apis'] : [`api:${name}`, 'pipeline'];
  const resolved = config.resolve(group, opt);
  const unset = pipeline === undefined && resolved.location.kind === 'default';
  const place = pipeline === undefined ? locationOfItem(resolved, name) : resolved.location;
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  return {
    severity: 'warning',
    code: error.code,
    ...(unset ? { section: `api:${name}` } : { section: group, option: opt }),
    place: unset ? config.getSectionLocation(`api:${name}`) : place,
    message: `no app is called "${pipeline ?? name}" in ${apiPasteConfig}, so this API does not start`,
    hint: missingAppHint(config, name, error),
  };
}

/**
 * The nearest of what would start: other APIs that have an app, and the apps of the paste file, which `error` knows.
 * Never the name itself.
 */
function missingAppHint(config: Config, name: string, error: PasteAppNotFound): string | undefined {
  if (ownPipeline(config, name) !== undefined) return error.hint;
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return error.hint;
  const loader = new Loader(path, { config });
  const known = [
    ...sectionNames(config, 'api'),
    ...loader.sections().flatMap((each) => (each.kind === 'app' ? [each.name] : [])),
  ];
  const comma = missingComma(name, known);
  if (comma !== undefined) return comma;
  const others = sectionNames(config, 'api').filter(
    (each) => each !== name && loader.has(ownPipeline(config, each) ?? each),
  );
  return didYouMean(name, others) ?? error.hint;
}
