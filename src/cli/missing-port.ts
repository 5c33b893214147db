/**
 * APIs that have no port: they listen on whatever is free, and clients find them nowhere.
 */
import { type Config, ConfigError } from '../config/index.js';
import { locationOfItem } from '../config/internal.js';
import { type Diagnostic, placeOf, printDiagnostic } from '../errors/index.js';
import { apiOptions } from '../server/internal.js';
import type { ListenAddress } from '../service/index.js';

/** A warning for an API without a port. None for `port = 0`, which asks for any. */
export function unplacedApi(config: Config, name: string): Diagnostic | undefined {
  const { listen, port } = config.api(name, apiOptions, { partial: true });
  if (listen.kind !== 'tcp' || listen.port !== undefined || port !== 0) return undefined;
  const group = `api:${name}`;
  const { written, location } = config.resolve(group, 'port');
  const given = written.at(-1);
  if (given !== undefined && given.text.trim() !== '') return undefined;
  const place = given === undefined ? config.getSectionLocation(group) : location;
  const hint = `write port = <number> under [${group}], or port = 0 where any will do`;
  return {
    severity: 'warning',
    code: 'PORTICO_API_NO_PORT',
    section: group,
    option: 'port',
    place,
    message: `${name} has no port: it listens on any that is free`,
    hint,
  };
}

/** The same once it listens, with the port that it got. */
export function unplacedAt(config: Config, name: string, addresses: readonly ListenAddress[]): string | undefined {
  const found = unplacedApi(config, name);
  const [address] = addresses;
  if (found === undefined || address === undefined || 'path' in address) return undefined;
  return printDiagnostic({
    ...found,
    message: `${name} has no port: it listens on ${address.port}, which happened to be free`,
  });
}

/** Which APIs there are, by name. */
export interface ApiChange {
  readonly running: readonly string[];
  readonly next: readonly string[];
}

/**
 * Throws ConfigError where an API that runs would end with its address unused, and a new one
 * would listen on any port because it has none.
 */
export function refuseGivenUp(config: Config, { running, next }: ApiChange): void {
  const ending = running.filter((name) => !next.includes(name) && isPlaced(config, name));
  const unplaced = next.filter((name) => !running.includes(name) && unplacedApi(config, name) !== undefined);
  const [left] = ending;
  if (left === undefined) return;
  const issues = unplaced.map((name) => {
    const resolved = config.resolve('DEFAULT', 'enabled_apis');
    const place = placeOf(config.getSectionLocation(`api:${left}`) ?? { kind: 'default', detail: '' });
    return {
      severity: 'error' as const,
      code: 'PORTICO_API_NO_PORT',
      section: 'DEFAULT',
      option: 'enabled_apis',
      place: locationOfItem(resolved, name),
      message: `${name} has no port, and ${left}, which has one, would end: nothing was changed`,
      hint: `rename [api:${left}] (${place}) to [api:${name}], or write port = <number> under [api:${name}]`,
    };
  });
  if (issues.length > 0) throw new ConfigError(issues);
}

/** It has a section that gives it an address of its own. */
function isPlaced(config: Config, name: string): boolean {
  const isSet = (opt: string): boolean => config.getLocation(`api:${name}`, opt).kind !== 'default';
  return config.getSectionLocation(`api:${name}`) !== undefined && (isSet('port') || isSet('listen'));
}
