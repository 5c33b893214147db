/**
 * APIs that listen on whatever port is free because nobody gave them one: hardly ever what was meant.
 */

import type { Config } from '../config/index.js';
import { type Diagnostic, printDiagnostic } from '../errors/index.js';
import { apiOptions } from '../server/index.js';
import type { ListenAddress } from '../service/index.js';

/** A warning for an API whose port nobody gave. None for `port = 0`, which asks for any. */
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
    message: `nobody gave ${name} a port: it listens on any that is free`,
    hint,
  };
}

/** The same once it listens, with the port that it got. */
export function unplacedAt(config: Config, name: string, addresses: readonly ListenAddress[]): string | undefined {
  const found = unplacedApi(config, name);
  const [address] = addresses;
  if (found === undefined || address === undefined || 'path' in address) return undefined;
  return printDiagnostic({ ...found, message: `nobody gave ${name} a port: it listens on ${address.port}` });
}
