/** New projects: their directory, their language, and their `package.json`. `init` writes them. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../config/internal.js';
import { ignoreErrors } from '../errors/index.js';
import { packageOf } from '../modules/index.js';
import { printable, shellWord } from '../text/index.js';

/** Differences between the languages. */
export interface Language {
  readonly name: string;
  /** Its folder in `paste/init`. */
  readonly folder: string;
  readonly extension: string;
  readonly engine: string;
  /** Begins the script `check`. */
  readonly compile: string;
  /** Beside {@link FOR_ALL}. */
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Development dependencies in both languages: the log of the development server is text. */
const FOR_ALL = { 'pino-pretty': '^13.0.0' };

/** Runs without a build, on a Node that strips the types. */
const TYPESCRIPT: Language = {
  name: 'TypeScript',
  folder: 'typescript',
  extension: '.ts',
  engine: '>=22.18',
  compile: 'tsc && ',
  devDependencies: { '@types/node': '^24.0.0', typescript: '^6.0.0' },
};
const JAVASCRIPT: Language = {
  name: 'JavaScript',
  folder: 'javascript',
  extension: '.js',
  engine: '>=20.19',
  compile: '',
};

/** Text of the option `--javascript`, and the end of the help. */
export const IN_JAVASCRIPT = ['--javascript', 'use JavaScript'] as const;
export const ON_OLDER_NODE = 'TypeScript requires Node 22.18; with an older version, JavaScript is used.';

/** Returns the language of a new project, and why it is JavaScript if nobody asked for that. */
export function languageOf(inJavaScript: boolean): Language & { readonly why: string } {
  const runsTypes = Boolean((process.features as { readonly typescript?: string | false }).typescript);
  if (runsTypes && !inJavaScript) return { ...TYPESCRIPT, why: '' };
  const why = `: Node ${process.versions.node} does not run TypeScript; 22.18 or newer does`;
  return { ...JAVASCRIPT, why: runsTypes || inJavaScript ? '' : why };
}

/** Returns a file of the template of new projects. */
export function templateFile(file: string): string {
  return readFileSync(join(template(), file), 'utf8');
}

/** Returns all files of one folder of the template, by their paths in it. */
export function templateFiles(folder: string): Readonly<Record<string, string>> {
  const all = readdirSync(join(template(), folder), { recursive: true, withFileTypes: true });
  const paths = all.flatMap((each) => (each.isFile() ? [join(each.parentPath, each.name)] : []));
  return Object.fromEntries(
    paths.map((path) => [relative(join(template(), folder), path), readFileSync(path, 'utf8')] as const),
  );
}

const template = (): string => join(ownPackage().folder, 'paste', 'init');

const ownPackage = (): NonNullable<ReturnType<typeof packageOf>> => packageOf(fileURLToPath(import.meta.url))!;

/** Files of every new project. */
function commonFiles(): Readonly<Record<string, string>> {
  return {
    // npm leaves a file of this name out of a package, and applies its lines itself.
    '.gitignore': templateFile('gitignore'),
    '.dockerignore': '.git\nDockerfile\n.dockerignore\nnode_modules\ntest\nvar\n**/*.log\n.env*\n',
  };
}

/** Writes files into a new directory, and the manifest with these scripts. */
export function writeProject(
  target: string,
  language: Language,
  { files, scripts }: Pick<Manifest, 'scripts'> & { readonly files: Readonly<Record<string, string>> },
): void {
  const { folder, manifest } = ownPackage();
  const made = manifestOf(language, {
    name: packageName(target),
    portico: dependency(folder, manifest.version, target),
    scripts,
  });
  const text = `${JSON.stringify(joinedManifest(target, made), undefined, 2)}\n`;
  for (const [file, content] of Object.entries({ ...commonFiles(), ...files, [MANIFEST]: text })) {
    makeFolder(dirname(join(target, file)));
    // Only the manifest may be there already; `wx` follows no link that another user has made meanwhile.
    writeFileSync(join(target, file), content, { flag: file === MANIFEST ? 'w' : 'wx' });
  }
}

/**
 * Makes a folder and those above it, one by one: with `recursive`, Node never returns where the system makes no folders, as in `/proc`. Throws
 * a `UsageError` with the reason of the system.
 */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    const above = dirname(folder);
    const reason = statSync(above).isDirectory() ? (error as Error).message : `${printable(above)} is a file`;
    const hint = 'Choose a directory below one in which you can write.';
    throw new UsageError(`${printable(folder)} cannot be made: ${reason}`, hint);
  }
}

const MANIFEST = 'package.json';

/** Files that may exist in the folder of a new project: a new repository, and `npm init` with `npm install portico`. */
const BESIDE = ['.git', 'node_modules', MANIFEST, 'package-lock.json'];

/**
 * Refuses a directory with files: a project does not overwrite any. A directory with only those of {@link BESIDE} counts as empty.
 */
export function refuseOccupied(target: string, dir: string): void {
  if (!existsSync(target)) return;
  const shown = printable(dir);
  const other = dir === '.' ? 'library' : `${shown.replace(/\/+$/, '')}-2`;
  const hint = `Choose a new or empty directory: api-cli init ${shellWord(other)}.`;
  if (!statSync(target).isDirectory()) throw new UsageError(`${shown} is a file`, hint);
  const found = readdirSync(target).filter((name) => !BESIDE.includes(name));
  if (found.length === 0) {
    if (lstatSync(join(target, MANIFEST), { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
    throw new UsageError(`${shown}/${MANIFEST} is a link, and its target would be overwritten`, hint);
  }
  const rest = found.length > 5 ? ` and ${found.length - 5} more` : '';
  const names = printable(found.slice(0, 5).join(', '));
  const message = `${dir === '.' ? 'this directory' : shown} is not empty: it has ${names}${rest}`;
  throw new UsageError(message, hint);
}

/** Returns the directory's name in the characters that npm allows. */
export function packageName(target: string): string {
  const name = basename(target)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  return name === '' ? 'api' : name;
}

/**
 * Returns the running version if it comes from a registry; a clone, a tarball and a repository as their references. npm records the origin
 * of a package in `node_modules`.
 */
function dependency(folder: string, version: string | undefined, target: string): string {
  const modules = dirname(folder);
  if (basename(modules) !== 'node_modules') return `file:${relative(target, folder)}`;
  const noted = ignoreErrors(() => readFileSync(join(modules, '.package-lock.json'), 'utf8')) ?? '{}';
  const { packages } = JSON.parse(noted) as { packages?: Readonly<Record<string, { resolved?: string }>> };
  const { resolved = '' } = packages?.[`node_modules/${basename(folder)}`] ?? {};
  if (resolved.startsWith('file:')) return `file:${relative(target, resolve(dirname(modules), resolved.slice(5)))}`;
  // Without the token or password of the installation: the manifest is committed.
  return resolved.startsWith('git') ? resolved.replace(/^(git\+https?:\/\/)[^/]*@/, '$1') : `^${version}`;
}

/** Members in which the manifests of projects differ. */
interface Manifest {
  readonly name: string;
  /** Version of Portico. */
  readonly portico: string;
  readonly scripts: Readonly<Record<string, string>>;
}

function manifestOf(
  { engine, devDependencies }: Language,
  { name, portico, scripts }: Manifest,
): Record<string, unknown> {
  return {
    name,
    private: true,
    type: 'module',
    engines: { node: engine },
    scripts,
    dependencies: { portico },
    devDependencies: { ...FOR_ALL, ...devDependencies },
  };
}

/** Keeps the existing fields, except `type`, without which no file of the project is a module, and the failing script of `npm init`. */
function joinedManifest(target: string, made: Readonly<Record<string, unknown>>): object {
  const text = ignoreErrors(() => readFileSync(join(target, MANIFEST), 'utf8'));
  if (text === undefined) return made;
  const there = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const both = (name: string): object => ({ ...(made[name] as object), ...(there[name] as object | undefined) });
  const scripts = both('scripts') as Record<string, string>;
  if (scripts.test?.includes('no test specified') === true) {
    const { test } = made.scripts as Record<string, string>;
    if (test === undefined) delete scripts.test;
    else scripts.test = test;
  }
  return {
    ...made,
    ...there,
    type: 'module',
    scripts,
    dependencies: both('dependencies'),
    devDependencies: both('devDependencies'),
  };
}
