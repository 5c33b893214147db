/**
 * What the running program is called.
 */
import { resolve } from 'node:path';
import { packageOf, realPath } from '../modules/index.js';
import { programName } from './sources/default-files.js';

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
  // One that only says how its files are read (`{"type": "module"}`) is no package.
  const own = packageOf(script, ({ name, bin }) => name !== undefined || bin !== undefined);
  if (own === undefined) return undefined;
  const { name = '', bin } = own.manifest;
  const commands = typeof bin === 'string' ? { [name.slice(name.lastIndexOf('/') + 1)]: bin } : (bin ?? {});
  const wanted = realPath(script);
  return Object.keys(commands).find((command) => realPath(resolve(own.folder, commands[command]!)) === wanted);
}
