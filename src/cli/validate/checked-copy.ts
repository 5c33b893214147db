/**
 * A configuration as a validation sees it: a copy with the options of all loaded code, which it may read and change; and the list of its errors:
 * values that their declarations refuse, names without an owner, errors of the paste file, and findings of others.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Config } from '../../config/index.js';
import { asFarAsKnown, logFileIssue, markIncomplete, workerAssignment } from '../../config/internal.js';
import { type Diagnostic, inOrder, shownPath, whole } from '../../errors/index.js';
import { isPasteSection } from '../../loader/internal.js';
import { type Names, namesIn, pipelineOf } from '../../server/internal.js';
import { registerNamed } from '../configured/bundled-options.js';
import { namesLogger } from '../configured/named-logger.js';

/** Options of {@link judgedCopy}. */
export interface CheckedCopyOptions {
  /** True for a program that may start other services than the enabled ones, and have no paste file. */
  readonly embeds?: boolean;
}

export interface Checked {
  readonly config: Config;
  readonly names: Names;
  /** Returns the errors of the paste file. `imports`: after the import of all code that it names, whether an API uses it or not. */
  ofPasteFile(imports: boolean): Promise<readonly Diagnostic[]>;
  /** Returns one list of these findings and of the errors in values and names. `loads`: false if no code was loaded. */
  issues(found: readonly (readonly Diagnostic[])[], loads?: boolean): readonly Diagnostic[];
}

export function checkedCopy(given: Config, { embeds = false }: CheckedCopyOptions = {}): Checked {
  const config = given.copy({ declared: true });
  config.registerLoaded();
  const names = namesIn(config);
  registerNamed(config, names);
  const apis = names.apis.map((name) => ({ name, pipeline: pipelineOf(config, name) }));
  const isPasted = apis.length > 0 || (!embeds && names.services.length === 0);
  const files = [undefined, ...config.configFiles.map(shownPath)];
  return {
    config,
    names,
    ofPasteFile: async (imports) =>
      isPasted ? (await import('./paste-errors.js')).pasteErrors(config, apis, imports) : [],
    issues: (found, loads = true) => {
      const own = asFarAsKnown(config.problems(), found.flat(), loads);
      return markIncomplete(inOrder(whole(own, besideOptions(config), ...found), files));
    },
  };
}

// Files in configuration directories that set options but are not read, because their names do not end in `.conf`.

/** Hidden files, backups of editors, and files disabled by their names. */
const SET_ASIDE = /^[.#]|~$|\.conf\.|\.(?:bak|old|orig|save|sw[a-p]|tmp)$/;

/** Largest file that is read to determine its kind, in bytes. */
const LARGEST = 1024 * 1024;

/** Returns warnings of such files, and the error of a log that cannot be written. `checked` knows the options. */
function besideOptions(checked: Config): Diagnostic[] {
  // A reload keeps the open log file.
  const isOpen =
    (workerAssignment()?.generation ?? 1) > 1 || namesLogger(checked) || !checked.has('DEFAULT', 'log_file');
  const unlogged = isOpen ? undefined : logFileIssue(checked);
  return [...skippedFiles(checked), ...(unlogged === undefined ? [] : [unlogged])];
}

/** Returns a warning for each of them. `checked` knows the options. */
function skippedFiles(checked: Config): Diagnostic[] {
  return checked.configDirs.flatMap((dir) =>
    otherFiles(dir)
      .filter((path) => !checked.configFiles.includes(path) && setsOptions(checked, path))
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
function setsOptions(checked: Config, path: string): boolean {
  try {
    const stats = statSync(path);
    // A FIFO waits for its writer, and a database is not text.
    if (!stats.isFile() || stats.size > LARGEST) return false;
    const file = Config.fromText(readFileSync(path, 'utf8'));
    const sections = file.listAllSections();
    const isOurs = (section: string): boolean =>
      /^(?:api|service):./.test(section) || file.listOptions(section).some((opt) => checked.has(section, opt));
    return !sections.some(isPasteSection) && sections.some(isOurs);
  } catch {
    // It is not an INI file, or not readable.
    return false;
  }
}
