/** The files of a service in Python: its paste files, and the conf beside them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { Config } from '../../config/index.js';
import { UsageError } from '../../config/internal.js';
import { errorText, type Origin } from '../../errors/index.js';
import { originWithin, type PasteDocument, readConf, readPaste } from '../../ini/index.js';
import { isPasteSection, openPasteFile, type PasteFile } from '../../loader/internal.js';
import { printable, shellWord } from '../../text/index.js';
import type { CopiedFile } from '../new-project.js';

/** A paste file. */
export interface FoundPaste {
  /** Its path in the directory of the service, and in the new project. */
  readonly name: string;
  readonly path: string;
  readonly paste: PasteFile;
  readonly document: PasteDocument;
}

/** A service as it runs with Python. */
export interface FoundService {
  /** Name of the service: that of its conf, or of its directory. */
  readonly name: string;
  readonly pastes: readonly FoundPaste[];
  /** The paste files, then those that they include. */
  readonly all: readonly FoundPaste[];
  /** Paste files, and those that they include, by their paths in the project. */
  readonly files: ReadonlyMap<string, CopiedFile>;
  readonly conf: FoundConf | undefined;
}

/** The conf of a service. */
export interface FoundConf {
  /** As its user wrote it, or below the directory as that was written. */
  readonly shown: string;
  readonly path: string;
  /** Returns the last value of an option; undefined if it has none, or refers to others. */
  plain(section: string, option: string): string | undefined;
  /** Returns the last value of an option as written; undefined if it has none. */
  written(section: string, option: string): WrittenValue | undefined;
}

/** A value in a file of the service, and where it is. */
export interface WrittenValue {
  readonly value: string;
  /** Returns the origin of the character at `offset`, from 0. */
  at(offset: number): Origin;
}

/** Names of files, as options of a command give them. */
export interface NamedFiles {
  readonly paste?: readonly string[] | undefined;
  readonly configFile?: string | undefined;
}

/**
 * Finds the files of a service in a directory, by default that of the named paste file, or takes those that are named. Throws {@link UsageError}
 * for a choice that is the user's.
 */
export function findService(given: string | undefined, named: NamedFiles): FoundService {
  const dir = given ?? dirname(named.paste?.[0] ?? 'api-paste.ini');
  const folder = resolve(dir);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UsageError(
      `there is no directory ${printable(dir)}`,
      'Name the directory of a service, such as /etc/nova.',
    );
  }
  const paths = named.paste?.map((path) => resolve(path)) ?? pasteFilesIn(folder, dir);
  const included = [...new Set(paths.flatMap((path) => opened(path).paste.files()))];
  // A file elsewhere is included by its whole path, and stays there.
  const common = commonFolder(included);
  const [base, own] = common === sep ? [commonFolder(paths), paths] : [common, included];
  const all = [...new Set([...paths, ...included])].map((path) => ({
    ...opened(path),
    path,
    name: relative(base, path),
  }));
  const pastes = all.slice(0, new Set(paths).size);
  const files = new Map(own.map((path) => [relative(base, path), copyOf(path)] as const));
  const conf = confOf(dir, folder, named, paths);
  const title = conf === undefined ? basename(folder) : basename(conf.path, extname(conf.path));
  return { name: title, pastes, all, files, conf };
}

/** Files that a paste file may be, in the order of preference: a file named for that, else any. */
const PASTE_NAMES = [/paste.*\.ini$/, /\.(?:ini|conf)$/];

function pasteFilesIn(folder: string, dir: string): readonly string[] {
  const names = readdirSync(folder).toSorted();
  for (const pattern of PASTE_NAMES) {
    const found = names.filter((name) => pattern.test(name) && hasApp(join(folder, name)));
    if (found.length === 1 || (found.length > 1 && pattern === PASTE_NAMES[0]))
      return found.map((name) => join(folder, name));
    if (found.length > 1) {
      const hint = `Name those of one service: ${found
        .slice(0, 3)
        .map((name) => `--paste ${shellWord(join(dir, name))}`)
        .join(' or ')}.`;
      throw new UsageError(`${printable(dir)} has several paste files: ${printable(found.join(', '))}`, hint);
    }
  }
  throw new UsageError(
    `${printable(dir)} has no paste file`,
    'A paste file, such as api-paste.ini, has sections [app:…], [pipeline:…] or [composite:…]. Name it with --paste.',
  );
}

/** Reports whether a file has a section that defines an app. */
function hasApp(path: string): boolean {
  try {
    const names = readConf(path, readFileSync(path)).sections.map(({ origin }) => origin.section ?? '');
    return names.some((name) => isPasteSection(name) && !/^(?:filter|server)\b(?!-app)/.test(name));
  } catch {
    return false;
  }
}

function opened(path: string): Pick<FoundPaste, 'paste' | 'document'> {
  const config = new Config();
  return { paste: openPasteFile(path, config), document: readPaste(config.readFile(path), path) };
}

/** Its owner may write the copy; nobody else may do more with it than with the file, which may have passwords. */
function copyOf(path: string): CopiedFile {
  return { content: readFileSync(path), mode: (statSync(path).mode & 0o777) | 0o600 };
}

/** Returns the deepest folder with all of these files. */
function commonFolder(paths: readonly string[]): string {
  const [first, ...rest] = paths.map((path) => dirname(path).split(sep));
  const length = first!.findIndex((part, at) => rest.some((parts) => parts[at] !== part));
  return first!.slice(0, length < 0 ? undefined : length).join(sep) || sep;
}

/** Returns the conf: the named one, else the one of the service's name, else the only one. */
function confOf(
  dir: string,
  folder: string,
  { configFile }: NamedFiles,
  pastes: readonly string[],
): FoundConf | undefined {
  if (configFile !== undefined) return readConfOf(configFile, resolve(configFile));
  const there = readdirSync(folder).filter((name) => name.endsWith('.conf') && !hasApp(join(folder, name)));
  const wanted = [
    ...pastes.map((path) => basename(path).replace(/-?paste\.ini$/, '.conf')),
    `${basename(folder)}.conf`,
  ].filter((name) => name !== 'api.conf');
  const name = wanted.find((each) => there.includes(each)) ?? (there.length === 1 ? there[0] : undefined);
  if (name !== undefined) return readConfOf(join(dir, name), join(folder, name));
  if (there.length === 0) return undefined;
  const hint = `Name the one of the service: --config-file ${shellWord(join(dir, there[0]!))}.`;
  throw new UsageError(`${printable(dir)} has several conf files: ${printable(there.toSorted().join(', '))}`, hint);
}

function readConfOf(shown: string, path: string): FoundConf {
  let content: Uint8Array;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new UsageError(
      `cannot read ${printable(shown)}: ${errorText(error)}`,
      'Name a conf that this user can read.',
    );
  }
  const read = readConf(shown, content);
  const written = (section: string, option: string): WrittenValue | undefined => {
    const last = read.entries.findLast((each) => each.section === section && each.name === option);
    return last === undefined ? undefined : { value: last.value, at: (offset) => originWithin(last.pieces, offset) };
  };
  const plain = (section: string, option: string): string | undefined => {
    const value = written(section, option)?.value;
    return value === undefined || value === '' || value.includes('$') ? undefined : value;
  };
  return { shown, path, plain, written };
}
