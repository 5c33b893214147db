/**
 * `api-cli init`: creates a small working project: an API, a filter with an option, a test, and the two files that compose them. The files
 * are in `paste/init`; only `package.json` is generated here.
 */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { UsageError } from '../config/internal.js';
import { ignoreErrors } from '../errors/index.js';
import { packageOf } from '../modules/index.js';
import { printable } from '../text/index.js';
import { example } from './command.js';

/** Differences between the languages. */
interface Language {
  readonly name: string;
  readonly folder: string;
  readonly extension: string;
  readonly engine: string;
  readonly check: string;
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
  check: 'tsc && api-cli check',
  devDependencies: { '@types/node': '^24.0.0', typescript: '^6.0.0' },
};
const JAVASCRIPT: Language = {
  name: 'JavaScript',
  folder: 'javascript',
  extension: '.js',
  engine: '>=20.19',
  check: 'api-cli check',
};

export function register(program: Command): void {
  program
    .command('init')
    .description('write a small working project: an API, a filter, a test and the ini files')
    .argument('[dir]', 'a new or empty directory', '.')
    .option('--javascript', 'use JavaScript')
    .addHelpText(
      'after',
      `${example('api-cli init library')}\n\nTypeScript requires Node 22.18; with an older version, JavaScript is used.`,
    )
    .action((dir: string, { javascript = false }: { javascript?: boolean }) => init(dir, javascript));
}

function init(dir: string, inJavaScript: boolean): void {
  const target = resolve(dir);
  refuseOccupied(target, dir);
  const runsTypes = Boolean((process.features as { readonly typescript?: string | false }).typescript);
  const language = runsTypes && !inJavaScript ? TYPESCRIPT : JAVASCRIPT;
  const portico = packageOf(fileURLToPath(import.meta.url))!;
  const template = join(portico.folder, 'paste', 'init');
  const name = packageName(target);
  const copied = (file: string): string => readFileSync(join(template, file), 'utf8');

  mkdirSync(target, { recursive: true });
  // Node copies no directory onto a link.
  cpSync(join(template, language.folder), realpathSync(target), { recursive: true });
  const files = {
    // npm leaves a file of this name out of a package, and applies its lines itself.
    '.gitignore': copied('gitignore'),
    'README.md': copied('README.md').replace('{name}', name),
    'api-paste.ini': copied('api-paste.ini').replaceAll('.ts:', `${language.extension}:`),
    'portico.ini': copied('portico.ini'),
    '.dockerignore': '.git\nDockerfile\n.dockerignore\nnode_modules\ntest\nvar\n**/*.log\n.env*\n',
    [MANIFEST]: `${JSON.stringify(joinedManifest(target, manifest(name, language, dependency(portico.folder, portico.manifest.version, target))), undefined, 2)}\n`,
  };
  for (const [file, text] of Object.entries(files)) {
    // Only the manifest may be there already; `wx` follows no link that another user has made meanwhile.
    writeFileSync(join(target, file), text, { flag: file === MANIFEST ? 'w' : 'wx' });
  }
  process.stdout.write(told(dir, language, runsTypes || inJavaScript));
}

const MANIFEST = 'package.json';

/** Files that may exist in the folder of a new project: a new repository, and `npm init` with `npm install portico`. */
const BESIDE = ['.git', 'node_modules', MANIFEST, 'package-lock.json'];

/** A project does not overwrite existing files; a directory with only these counts as empty. */
function refuseOccupied(target: string, dir: string): void {
  if (!existsSync(target)) return;
  const shown = printable(dir);
  const other = dir === '.' ? 'library' : `${shown.replace(/\/+$/, '')}-2`;
  const hint = `Choose a new or empty directory: api-cli init ${other}.`;
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
function packageName(target: string): string {
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

function manifest(
  name: string,
  { engine, check, devDependencies }: Language,
  portico: string,
): Record<string, unknown> {
  return {
    name,
    private: true,
    type: 'module',
    engines: { node: engine },
    // `exec`: signals reach api-cli itself.
    scripts: { dev: 'exec api-cli --dev', start: 'exec api-cli', test: 'node --test', check },
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
  if (scripts.test?.includes('no test specified') === true) scripts.test = (made.scripts as typeof scripts).test!;
  return {
    ...made,
    ...there,
    type: 'module',
    scripts,
    dependencies: both('dependencies'),
    devDependencies: both('devDependencies'),
  };
}

function told(dir: string, { name, extension }: Language, asWanted: boolean): string {
  const why = asWanted ? '' : `: Node ${process.versions.node} does not run TypeScript; 22.18 or newer does`;
  const enter = resolve(dir) === resolve('.') ? '' : `  cd ${printable(dir)}\n`;
  return `A project in ${name}${why}
  app/books${extension}          an API: routes, a controller, a schema
  app/cache-control${extension}  a filter with an option
  test/books.test${extension}    a test
  api-paste.ini         the filters and apps of each API
  portico.ini           addresses, ports and workers

Next:
${enter}  npm install
  npm test
  npm run dev           serves http://127.0.0.1:8080/books, and reloads after each change
`;
}
