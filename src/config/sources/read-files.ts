/**
 * Reading files: those of the configuration, and those that are remembered with it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Diagnostic, placeInFile } from '../../errors/index.js';
import { type ConfProblemKind, readConf } from '../../ini/index.js';
import { masked, maskUris } from '../../text/index.js';
import { maskAssigned } from '../values/mask.js';
import type { NamedPath } from './default-files.js';
import type { SourceFile } from './sources.js';

/** What to read; every one must be there. */
export interface FilesToRead {
  readonly files: readonly NamedPath[];
  readonly dirs: readonly NamedPath[];
}

/** What was read, lowest precedence first, and what is wrong with it. */
export interface FilesRead {
  readonly files: readonly SourceFile[];
  readonly issues: readonly Diagnostic[];
}

/** Reads all files, those of directories after the named ones. Throws nothing. */
export function readFiles({ files, dirs }: FilesToRead): FilesRead {
  const issues: Diagnostic[] = [];
  const named = files.flatMap((file) => readOne(file, issues));
  const found = dirs.flatMap((dir) => confFiles(dir, issues));
  return { files: [...named, ...found.flatMap((file) => readOne(file, issues))], issues };
}

/** Makes a source of a file's content, and issues of its bad lines. */
export function parseSource(
  file: NamedPath & { readonly kind?: SourceFile['kind']; readonly exposed?: boolean },
  content: Uint8Array | string,
  issues: Diagnostic[],
): SourceFile {
  const { sections, entries, problems } = readConf(file.name, content);
  const source = file.kind ?? 'file';
  for (const { kind, message, origin } of problems) {
    const text = shownOf(kind, origin.text ?? '');
    const place = placeInFile({ ...origin, text }, source);
    const got = text.trim();
    const hint = hintOf(kind, got);
    // A header that lost its end is in no section, least of all in the one before it.
    const section = kind === 'open-header' ? undefined : origin.section;
    issues.push({ severity: 'error', code: 'PORTICO_CONFIG_SYNTAX', section, place, message, got, hint });
  }
  return { kind: source, name: file.name, path: file.path, sections, entries, exposed: file.exposed ?? false };
}

/** What may be shown of a line that cannot be read: a section's name, and of an option its name, for its value may be secret. */
function shownOf(kind: ConfProblemKind, text: string): string {
  if (kind === 'open-header') return maskUris(text);
  if (kind === 'no-assignment') return text.replace(/^(\s*\S+\s+)\S.*$/s, `$1${masked}`);
  return kind === 'stray-continuation' ? text.replace(/\S.*$/s, masked) : maskAssigned(text);
}

/** What to do about a line that cannot be read. */
function hintOf(kind: ConfProblemKind, text: string): string | undefined {
  if (kind === 'not-utf8') return 'save the file as UTF-8';
  if (kind === 'stray-continuation') {
    return 'a line that begins with a blank or a tab continues the value above it: begin it in the first column';
  }
  if (kind === 'open-header') return `write ${text}]`;
  if (kind !== 'no-assignment') return undefined;
  const name = /^([\w-]+)\s+\S/.exec(text)?.[1];
  return `write ${name ?? 'name'} = value`;
}

/** The `*.conf` files of a directory in byte order; not those of directories in it, not hidden ones. */
function confFiles(dir: NamedPath, issues: Diagnostic[]): NamedPath[] {
  try {
    return readdirSync(dir.path)
      .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((name) => ({ name: join(dir.name, name), path: join(dir.path, name) }))
      .filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true);
  } catch (error) {
    issues.push(unreadable('dir', dir, error));
    return [];
  }
}

function readOne(file: NamedPath, issues: Diagnostic[]): SourceFile[] {
  if (/\.(?:json|toml|ya?ml)$/i.test(file.name)) {
    const message = `cannot read config file ${file.name}: only the INI format is read`;
    const hint = '`api-cli config generate` prints a file in that format';
    issues.push({ severity: 'error', code: 'PORTICO_CONFIG_FILE', message, hint });
    return [];
  }
  try {
    const content = readFileSync(file.path);
    const exposed = (statSync(file.path).mode & 0o044) !== 0;
    return [parseSource({ ...file, exposed }, content, issues)];
  } catch (error) {
    issues.push(unreadable('file', file, error));
    return [];
  }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'a part of its path is no folder'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'permission denied'],
]);

function unreadable(what: string, { name, path }: NamedPath, error: unknown): Diagnostic {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const words = REASONS.get(code);
  const reason = words === undefined ? code || message : `${words} (${code})`;
  const where = name === path ? name : `${name} (${path})`;
  return { severity: 'error', code: 'PORTICO_CONFIG_FILE', message: `cannot read config ${what} ${where}: ${reason}` };
}

/** One file as JSON: for the snapshot. */
export interface AcceptedFile {
  readonly path: string;
  readonly base64: string;
  /** Read afresh also where only mutable options change: certificates. */
  readonly mutable: boolean;
}

interface Entry {
  readonly bytes: Buffer;
  readonly mutable: boolean;
}

/**
 * The files a configuration rests on, by absolute path: paste files, certificates, files with secrets. Each is read once and kept,
 * so that a worker started later works from what was accepted and not from what an editor has made of it since.
 */
export class AcceptedFiles {
  readonly #files = new Map<string, Entry>();

  /** The bytes of a file: as remembered, else from disk, remembering them. Throws what `readFileSync` throws. */
  read(path: string, mutable = false): Buffer {
    const absolute = resolve(path);
    const known = this.#files.get(absolute);
    const bytes = known?.bytes ?? readFileSync(absolute);
    if (known === undefined || (mutable && !known.mutable)) this.#files.set(absolute, { bytes, mutable });
    return bytes;
  }

  /** The absolute paths of all files read. */
  get paths(): string[] {
    return [...this.#files.keys()];
  }

  /**
   * The same files read afresh; with `onlyMutable` the others keep their bytes. A file that cannot be read any more is
   * left out: its next reader reads it from disk, and reports why it cannot.
   */
  refreshed(onlyMutable: boolean): AcceptedFiles {
    const next = new AcceptedFiles();
    for (const [path, entry] of this.#files) {
      if (onlyMutable && !entry.mutable) next.#files.set(path, entry);
      else next.#tryToRead(path, entry.mutable);
    }
    return next;
  }

  toJSON(): AcceptedFile[] {
    return [...this.#files].map(([path, { bytes, mutable }]) => ({ path, base64: bytes.toString('base64'), mutable }));
  }

  static from(files: readonly AcceptedFile[]): AcceptedFiles {
    const accepted = new AcceptedFiles();
    for (const { path, base64, mutable } of files) {
      accepted.#files.set(path, { bytes: Buffer.from(base64, 'base64'), mutable });
    }
    return accepted;
  }

  #tryToRead(path: string, mutable: boolean): void {
    try {
      this.#files.set(path, { bytes: readFileSync(path), mutable });
    } catch {
      // Left out on purpose, as said above.
    }
  }
}
