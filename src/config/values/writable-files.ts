/** Warnings of files of a configuration that all users of a machine can change: they would decide what the service runs, as its user. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Diagnostic, shownPath } from '../../errors/index.js';
import { placesOf } from '../link-places.js';

/** The part of a configuration that knows its files. */
interface WithFiles {
  resolve(group: string, opt: string): { readonly value: unknown };
  readonly configFiles: readonly string[];
  readonly filesRead: readonly string[];
}

/** Returns a warning for each file of a configuration, and for each folder of one, that all users can write, unless `check_file_modes` is off. */
export function writableFiles(config: WithFiles): readonly Diagnostic[] {
  const { value } = config.resolve('DEFAULT', 'check_file_modes');
  return value === false ? [] : writableAmong([...config.configFiles, ...config.filesRead]);
}

/** Returns a warning for each of these files, and for each folder of one, or of a link on the way to it, that all users can write. */
export function writableAmong(paths: readonly string[]): Diagnostic[] {
  const files = [...new Set(paths.map((path) => resolve(path)))];
  const folders = [...placesOf(files).keys()];
  return [
    ...files.flatMap((path) => warningOf(path, `can change ${shownPath(path)}`)),
    ...folders.flatMap((path) => warningOf(path, `can replace files in ${path}`)),
  ];
}

function warningOf(path: string, what: string): Diagnostic[] {
  const mode = openMode(path);
  if (mode === undefined) return [];
  return [
    {
      severity: 'warning',
      code: 'PORTICO_CONFIG_WRITABLE',
      message: `all users of this machine ${what}: its mode is ${mode.toString(8).padStart(4, '0')}`,
      hint: `Run chmod o-w ${path}`,
    },
  ];
}

/** Returns the mode of a file or folder that all users can write. */
function openMode(path: string): number | undefined {
  try {
    const stats = statSync(path);
    // The sticky bit, which /tmp has, lets only the owner of a file replace it. Devices and FIFOs have no content that stays.
    const isOpen = stats.isDirectory() ? (stats.mode & 0o1002) === 0o002 : stats.isFile() && (stats.mode & 0o002) !== 0;
    if (!isOpen) return undefined;
    // Kubernetes mounts a ConfigMap as a folder of mode 0777, but read-only.
    accessSync(path, constants.W_OK);
    return stats.mode & 0o7777;
  } catch {
    // The reader of the file reports the reason.
    return undefined;
  }
}
