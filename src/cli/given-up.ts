/**
 * A reload that gives an API another name and forgets its section: the port would be nobody's, and clients would find
 * the new API nowhere.
 */

import { type Config, ConfigError, locationOfItem } from '../config/index.js';
import { placeOf } from '../errors/index.js';
import { unplacedApi } from './unplaced-apis.js';

/** Which APIs there are, by name. */
export interface ApiChange {
  readonly running: readonly string[];
  readonly next: readonly string[];
}

/**
 * Throws ConfigError where an API that runs would end while its section keeps its address for nobody, and a new one
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
      message: `${name} has no port, and that of ${left}, which would end, would be nobody's: nothing was changed`,
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
