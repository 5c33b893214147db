/**
 * Files in configuration directories that set options but are not read, because their names do not end in `.conf`.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Config } from '../../config/index.js';
import { logFileIssue, workerAssignment } from '../../config/internal.js';
import { type Diagnostic, shownPath } from '../../errors/index.js';
import { isPasteSection } from '../../loader/internal.js';
import { namesLogger } from './named-logger.js';

/** Hidden files, backups of editors, and files disabled by their names. */
const SET_ASIDE = /^[.#]|~$|\.conf\.|\.(?:bak|old|orig|save|sw[a-p]|tmp)$/;

/** Largest file that is read to determine its kind, in bytes. */
const LARGEST = 1024 * 1024;

/** Returns warnings of such files, and the error of a log that cannot be written. `judged` knows the options. */
export function besideOptions(judged: Config): Diagnostic[] {
  // A reload keeps the open log file.
  const isOpen = (workerAssignment()?.generation ?? 1) > 1 || namesLogger(judged) || !judged.has('DEFAULT', 'log_file');
  const unlogged = isOpen ? undefined : logFileIssue(judged);
  return [...passedOver(judged), ...(unlogged === undefined ? [] : [unlogged])];
}

/** Returns a warning for each of them. `judged` knows the options. */
export function passedOver(judged: Config): Diagnostic[] {
  return judged.configDirs.flatMap((dir) =>
    otherFiles(dir)
      .filter((path) => !judged.configFiles.includes(path) && setsOptions(judged, path))
      .map((path) => ({
        severity: 'warning' as const,
        code: 'PORTICO_CONFIG_PASSED_OVER',
        message: `${shownPath(path)} is not read: of a configuration directory only the files *.conf are`,
        hint: 'Rename it, or name it with --config-file.',
      })),
  );
}

function otherFiles(dir: string): string[] {
  try {
    const names = readdirSync(dir).filter((name) => !name.endsWith('.conf') && !SET_ASIDE.test(name));
    return names.sort().map((name) => join(dir, name));
  } catch {
    // The check of directories reports one that cannot be read.
    return [];
  }
}

/** Reports whether a file looks like the configuration of a service: it sets a known option, and has no section of a paste file. */
function setsOptions(judged: Config, path: string): boolean {
  try {
    const stats = statSync(path);
    // A FIFO waits for its writer, and a database is not text.
    if (!stats.isFile() || stats.size > LARGEST) return false;
    const file = Config.fromText(readFileSync(path, 'utf8'));
    const sections = file.listAllSections();
    const isOurs = (section: string): boolean =>
      /^(?:api|service):./.test(section) || file.listOptions(section).some((opt) => judged.has(section, opt));
    return !sections.some(isPasteSection) && sections.some(isOurs);
  } catch {
    // It is not an INI file, or not readable.
    return false;
  }
}
