/**
 * Where certificates lie that a configuration names by relative paths.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { missingFileHint } from '../missing-file.js';
import { sslOptions, type TlsSettings } from './ssl-options.js';

/** `[ssl]`, with its files where they lie. */
export function sslSettings(config: Config): TlsSettings {
  const settings = config.group('ssl', sslOptions);
  const at = (opt: string): string | undefined => certificatePath(config, 'ssl', opt);
  return { ...settings, certFile: at('cert_file'), keyFile: at('key_file'), caFile: at('ca_file') };
}

/**
 * The path of a file that an option names: a relative one is looked for beside the configuration file that names it, then
 * in the working directory. As written where it is in neither; undefined where it names none. Files already read count as there.
 */
export function certificatePath(config: Config, group: string, opt: string): string | undefined {
  const { value, location } = config.resolve(group, opt);
  const path = value as string | undefined;
  if (path === undefined || path === '' || isAbsolute(path)) return path;
  const candidates = candidatesFor(path, location.origin?.file);
  const found =
    candidates.find((candidate) => config.filesRead.includes(candidate)) ??
    candidates.find((candidate) => existsSync(candidate));
  return found === undefined || found === resolve(path) ? path : found;
}

/** What to do about a file that is not there; `file`: the configuration file that names it. */
export function missingHint(path: string, file?: string): string {
  const candidates = candidatesFor(path, file);
  const near = candidates.map((candidate) => missingFileHint(candidate)).find((text) => text !== undefined);
  const told = isAbsolute(path)
    ? 'Put it there, or name the path it has.'
    : `It is not at ${candidates.join(', nor at ')}: a relative path begins beside the configuration file that names it, then where the program was started.`;
  return near === undefined ? told : `${near} ${told}`;
}

function candidatesFor(path: string, file: string | undefined): string[] {
  return [...new Set([...(file === undefined ? [] : [resolve(dirname(file), path)]), resolve(path)])];
}
