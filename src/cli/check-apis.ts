/**
 * What `check` finds out about each API beyond its options: what would keep it from starting, and nothing is started.
 */
import { type Config, ConfigError, type ConfigIssue, type Location, placeOf } from '../config/index.js';
import { ConfigurationRefused, refusalsOf } from '../errors/index.js';
import {
  type ContextTree,
  type Finding,
  Loader,
  PasteAppNotFound,
  PasteError,
  tellsChildren,
} from '../loader/index.js';
import { silentLogger } from '../log/index.js';
import { checkManager, namedManager } from '../registry/internal.js';
import { TlsRefused, WSGIService } from '../server/index.js';
import { whyTaken } from './address-holder.js';
import { apiNames } from './api-names.js';
import { missingAppIssue } from './missing-app.js';
import { configuredPasteFile } from './paste-file.js';
import { unplacedApi } from './unplaced-apis.js';

/**
 * What the enabled APIs would be refused for: certificates, managers, names that the paste file does not have, what filters
 * have against the API's address and strategy; and that none would start. Managers are loaded unless `import` is false, and
 * not made.
 */
export async function apiFindings(config: Config, options: { readonly import: boolean }): Promise<ApiFindings> {
  const findings: Finding[] = [];
  let [followed, told] = [options.import, options.import];
  const names = apiNames(config);
  const strict = config.resolve('DEFAULT', 'strict_config').value === true;
  let missing = 0;
  for (const name of names) {
    try {
      const service = new WSGIService(name, config, { log: silentLogger() });
      await service.stop();
      const warning = service.certificateWarning;
      if (warning !== undefined) findings.push(ofCertificate(config, name, warning));
      const unplaced = unplacedApi(config, name);
      if (unplaced !== undefined) findings.push(findingOf(unplaced));
      for (const address of service.addresses) {
        const taken = await whyTaken(address);
        if (taken !== undefined) findings.push(ofAddress(config, name, taken));
      }
      if (options.import) {
        findings.push(
          ...(await Loader.checkFile(configuredPasteFile(config), {
            config,
            service: name,
            names: [service.pipeline],
          })),
        );
        told &&= await tellsAllItReads(config, service);
      }
    } catch (error) {
      followed = false;
      for (const each of refusalsOf(error)) {
        // What is wrong with the paste file itself is found by looking at that.
        if (each instanceof PasteAppNotFound) {
          missing += 1;
          findings.push(missingApp(config, name, each, strict ? 'error' : 'warning'));
        } else if (each instanceof ConfigError) findings.push(...each.issues.map(findingOf));
        else if (each instanceof ConfigurationRefused && !(each instanceof PasteError)) findings.push(refusal(each));
      }
    }
    if (options.import) findings.push(...(await ofManager(config, name)));
  }
  if (names.length > 0 && missing === names.length) findings.push(nothingStarts(config));
  return { findings, followed, told };
}

/** What was found, and how much of it all. */
export interface ApiFindings {
  readonly findings: Finding[];
  /** The paste file was followed from every API: what is wrong elsewhere in it keeps nothing from starting. */
  readonly followed: boolean;
  /** All that the APIs are made of says which options it reads: no other is known to anybody. */
  readonly told: boolean;
}

/** Whether every factory behind an API has declared its options; one that has not may read any. */
async function tellsAllItReads(config: Config, { name, pipeline }: WSGIService): Promise<boolean> {
  if (
    config.has(`api:${name}`, 'manager') &&
    namedManager(config, { group: `api:${name}`, opt: 'manager' }) !== undefined
  )
    return false;
  try {
    return hasDeclared(await new Loader(configuredPasteFile(config), { config }).tree(pipeline));
  } catch (error) {
    if (error instanceof ConfigurationRefused) return false;
    throw error;
  }
}

function hasDeclared({ resolved, filters = [], app, filter, next, children = [] }: ContextTree): boolean {
  const declared = resolved === undefined || tellsChildren(resolved) !== undefined || 'options' in Object(resolved);
  const inner = [...filters, app, filter, next, ...children.map(({ context }) => context)];
  return declared && inner.every((each) => each === undefined || hasDeclared(each));
}

/** A start would end with 1: unless it is the service itself that has the address. */
function ofAddress(config: Config, name: string, message: string): Finding {
  const group = `api:${name}`;
  const opt = config.getLocation(group, 'port').kind === 'default' ? 'listen' : 'port';
  const location = config.getLocation(group, opt);
  const hint =
    'That is right where it is the service that is to be reloaded; a start beside it would end with status 1.';
  return findingOf({ severity: 'warning', code: 'PORTICO_ADDRESS_TAKEN', group, opt, location, message, hint });
}

/** As at the start of a program: one API less, and a warning. */
function missingApp(config: Config, name: string, error: PasteAppNotFound, severity: Finding['severity']): Finding {
  return findingOf({ ...missingAppIssue(config, name, error), severity });
}

function nothingStarts(config: Config): Finding {
  const [group, opt] = ['DEFAULT', 'enabled_apis'];
  return findingOf({
    severity: 'error',
    code: 'PORTICO_NO_APIS',
    group,
    opt,
    location: config.getLocation(group, opt),
    message: 'none of these APIs would start',
  });
}

/** The manager of `[api:<name>]`: a module that is missing stops the start, and a name that it does not export. */
async function ofManager(config: Config, name: string): Promise<Finding[]> {
  const option = { group: `api:${name}`, opt: 'manager' };
  const reference = config.has(option.group, option.opt) ? namedManager(config, option) : undefined;
  if (reference === undefined) return [];
  try {
    await checkManager(reference, config, option);
    return [];
  } catch (error) {
    const { code, hint, cause } = error as ConfigurationRefused;
    // The finding has a place of its own.
    const { message } = cause as Error;
    const location = config.getLocation(option.group, option.opt);
    return [findingOf({ severity: 'error', code, ...option, location, message, hint })];
  }
}

function ofCertificate(config: Config, name: string, message: string): Finding {
  const own = config.getLocation(`api:${name}`, 'ssl_cert_file');
  const [group, opt] = own.kind === 'default' ? ['ssl', 'cert_file'] : [`api:${name}`, 'ssl_cert_file'];
  const location = config.getLocation(group, opt);
  return findingOf({ severity: 'warning', code: 'PORTICO_TLS_EXPIRY', group, opt, location, message });
}

function refusal(error: ConfigurationRefused): Finding {
  const { code, message, hint, origin } = error;
  if (!(error instanceof TlsRefused) || origin === undefined) {
    return { severity: 'error', code, file: '', line: 0, column: 0, message, hint };
  }
  return { severity: 'error', code, ...origin, message: error.sentence, hint };
}

/** An issue as a finding: its place where it stands in a file, else that place in words, or none. */
export function findingOf({ severity, code, location, group, opt, message, got, hint }: ConfigIssue): Finding {
  const written = got === undefined ? '' : `; got ${got}`;
  return {
    severity,
    code,
    ...placed(location),
    section: group,
    option: opt,
    message: `${message}${written}`,
    hint,
    text: location?.origin?.text,
  };
}

function placed(location: Location | undefined): Pick<Finding, 'file' | 'line' | 'column'> {
  if (location === undefined) return { file: '', line: 0, column: 0 };
  const { origin } = location;
  if (origin === undefined) return { file: placeOf(location), line: 0, column: 0 };
  return { file: origin.file, line: origin.line, column: origin.column };
}
