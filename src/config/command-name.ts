/**
 * What the running program is called.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { programName } from './sources/default-files.js';

interface Manifest {
  readonly name?: string;
  readonly bin?: string | Readonly<Record<string, string>>;
}

/**
 * The command's name: what the program's own package calls its script in `bin`, else the script's name without ending;
 * empty where there is no script. `argv`: default the process's.
 */
export function commandName(argv: readonly string[] = process.argv): string {
  const [, script] = argv;
  if (script === undefined) return '';
  return nameInManifest(script) ?? programName(script);
}

function nameInManifest(script: string): string | undefined {
  const wanted = real(script);
  for (let folder = dirname(wanted); ; folder = dirname(folder)) {
    const manifest = manifestIn(folder);
    if (manifest !== undefined) {
      const { name = '', bin = {} } = manifest;
      const commands = typeof bin === 'string' ? { [name.slice(name.lastIndexOf('/') + 1)]: bin } : bin;
      return Object.keys(commands).find((command) => real(resolve(folder, commands[command]!)) === wanted);
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    // None here, or none that can be read: the next one upwards.
    return undefined;
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
