/** The errors of the files of a configuration: of its paste file, of a logger for the next start, and of files that set options but are not read. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Config } from '../../config/index.js';
import { type Diagnostic, Refusals, shownPath } from '../../errors/index.js';
import { isPasteSection } from '../../loader/internal.js';
import type { WSGIService } from '../../server/index.js';
import { namesIn, pipelineOf } from '../../server/internal.js';
import type { ServiceBase } from '../../service/index.js';
import { loggerName, namedLogger } from '../configured/named-logger.js';

/**
 * Returns the errors of the files that a configuration names. `all`: imports all code that they name. `built`: services that have found errors
 * there when they were built. `embeds`: the application may start other services than the enabled ones, and have no paste file. `factories`: false
 * calls none of the application.
 */
export async function fileErrors(
  config: Config,
  all: boolean,
  built: readonly (Pick<ServiceBase, 'name'> & Partial<Pick<WSGIService, 'walked'>>)[],
  { embeds = false, factories = true }: { readonly embeds?: boolean; readonly factories?: boolean } = {},
): Promise<readonly Diagnostic[]> {
  const names = namesIn(config);
  const skipped = [...skippedFiles(config), ...(await nextLoggerErrors(config))];
  if (names.apis.length === 0 && (embeds || names.services.length > 0)) return skipped;
  const { pasteErrors } = await import('../../server/internal.js');
  const apis = names.apis.map((name) => {
    const { walked } = built.find((each) => each.name === name) ?? {};
    return { name, pipeline: pipelineOf(config, name), walked };
  });
  return [...skipped, ...(await pasteErrors(config, apis, { imports: all, factories }))];
}

/** Returns the error of a logger that a reload leaves to the next start, which would refuse it. */
async function nextLoggerErrors(config: Config): Promise<readonly Diagnostic[]> {
  const refusals = new Refusals();
  const next = config.asWritten();
  if (loggerName(next) !== loggerName(config)) await refusals.gather(() => namedLogger(next));
  return refusals.diagnostics;
}

// Files in configuration directories that set options but are not read, because their names do not end in `.conf`.

/** Hidden files, backups of editors, and files disabled by their names. */
const SET_ASIDE = /^[.#]|~$|\.conf\.|\.(?:bak|old|orig|save|sw[a-p]|tmp)$/;

/** Largest file that is read to determine its kind, in bytes. */
const LARGEST = 1024 * 1024;

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
