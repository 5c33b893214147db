/**
 * A revision of a git repository in a temporary directory: `git worktree add`, with the packages that are installed in the working tree. It is
 * removed in any case, also if a signal ends the process.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { ignoreErrors, nearestOrAll, PorticoError } from '../errors/index.js';
import { atEnd } from './at-end.js';

/** A directory of a repository. */
interface Repository {
  /** Directory of the working tree. */
  readonly root: string;
  /** The present directory within it; empty: it is the root. */
  readonly inside: string;
}

/** A revision in a temporary directory. */
export interface Checkout {
  /** The directory that corresponds to the present one. */
  readonly folder: string;
  /** Notes for the user: another lock file. */
  readonly notes: readonly string[];
  remove(): void;
}

/** Returns the commit of a name; undefined if there is none, or no repository. */
export function commitOf(name: string, cwd: string): string | undefined {
  if (name.startsWith('-')) return undefined;
  const { status, stdout } = git(['rev-parse', '--verify', '--quiet', `${name}^{commit}`], cwd);
  return status === 0 ? stdout.trim() : undefined;
}

/** Returns the commit at which two revisions part. Throws `PORTICO_PLAN_REVISION` without one. */
export function mergeBase(one: string, other: string, cwd: string): string {
  const commits = [one, other].map((name) => {
    const commit = commitOf(name, cwd);
    if (commit === undefined) throw noRevision(name, cwd);
    return commit;
  });
  const { status, stdout } = git(['merge-base', ...commits], cwd);
  if (status === 0) return stdout.trim();
  throw new PorticoError('PORTICO_PLAN_REVISION', {
    message: `${one} and ${other} have no common commit`,
    hint: isShallow(cwd)
      ? 'This is a shallow clone: clone the whole history (fetch-depth: 0).'
      : `Write two dots to compare them as they are: ${one}..${other}`,
  });
}

const isShallow = (cwd: string): boolean => git(['rev-parse', '--is-shallow-repository'], cwd).stdout.trim() === 'true';

/** Returns the error for a name that is no revision. */
export function noRevision(name: string, cwd: string): PorticoError {
  const inside = git(['rev-parse', '--is-inside-work-tree'], cwd);
  const code = 'PORTICO_PLAN_REVISION';
  if (inside.status !== 0) {
    return new PorticoError(code, {
      message: `${name} is no directory, and ${cwd} is not in a git repository`,
      hint: 'Change to the directory of the project, or pass two directories: portico plan ../old .',
    });
  }
  const refs = git(['for-each-ref', '--format=%(refname:short)', 'refs/heads', 'refs/tags', 'refs/remotes'], cwd);
  const names = refs.stdout.split('\n').filter((ref) => ref !== '');
  return new PorticoError(code, {
    message: `the repository has no revision ${name}, and there is no such directory`,
    hint: absentHint(name, names, cwd),
  });
}

function absentHint(name: string, names: readonly string[], cwd: string): string {
  if (!isShallow(cwd)) {
    const isEmpty = names.length === 0 && commitOf('HEAD', cwd) === undefined;
    return isEmpty ? 'It has no commits: commit the first state.' : nearestOrAll(name, names, 'Branches and tags');
  }
  // Each sign leads to a parent: git fetches no such name.
  const steps = [...name.matchAll(/\^|~(\d*)/g)].reduce((sum, [, given]) => sum + Number(given || 1), 0);
  return steps > 0
    ? `This is a shallow clone: fetch the commits before it first, with git fetch --deepen=${steps}, or in a CI job with fetch-depth: ${steps + 1}.`
    : `This is a shallow clone: fetch the revision first, with git fetch origin ${name}, or clone the whole history (fetch-depth: 0).`;
}

/** Puts a commit into a temporary directory. `name`: as the user calls it. */
export function checkOut(commit: string, name: string, cwd: string): Checkout {
  const repository = repositoryOf(cwd);
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'portico-plan-')));
  const tree = join(base, 'tree');
  const remove = removing(base, tree, repository.root);
  try {
    // Hooks of the user would run for nothing.
    const added = git(['-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '--detach', '--quiet', tree, commit], cwd);
    if (added.status !== 0) throw refused(`git cannot check out ${name}: ${added.stderr.trim()}`);
    const folder = join(tree, repository.inside);
    if (!existsSync(folder)) throw refused(`${name} has no directory ${repository.inside}`);
    return { folder, notes: linkPackages(repository, tree, name), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

const refused = (message: string): PorticoError => new PorticoError('PORTICO_PLAN_REVISION', { message });

function repositoryOf(cwd: string): Repository {
  const [root = '', inside = ''] = git(['rev-parse', '--show-toplevel', '--show-prefix'], cwd).stdout.split('\n');
  return { root: resolve(root), inside: inside.replace(/\/$/, '') };
}

/** Returns a function that removes the directory once; the end of the process calls it too. */
function removing(base: string, tree: string, root: string): () => void {
  return atEnd(() => {
    // Twice: also one that a signal has left locked, in the middle of its checkout.
    spawnSync('git', ['worktree', 'remove', '--force', '--force', tree], { cwd: root, stdio: 'ignore' });
    rmSync(base, { recursive: true, force: true });
  });
}

const LOCK_FILES = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb'];

/**
 * Links the packages of each directory from the root of the repository to the present one. Returns notes about lock files that differ: then
 * the packages are those of the working tree.
 */
function linkPackages({ root, inside }: Repository, tree: string, name: string): readonly string[] {
  const notes: string[] = [];
  const steps = inside === '' ? [] : inside.split('/');
  for (const at of ['', ...steps.map((_, index) => steps.slice(0, index + 1).join('/'))]) {
    const [from, to] = [join(root, at), join(tree, at)];
    const locks = LOCK_FILES.filter((file) => contentOf(join(from, file)) !== contentOf(join(to, file)));
    for (const file of locks) {
      const path = join(at, file);
      notes.push(`${path} of ${name} differs: both states are built with the packages that are installed here`);
    }
    if (existsSync(join(from, 'node_modules')) && !existsSync(join(to, 'node_modules')))
      linkEach(join(from, 'node_modules'), join(to, 'node_modules'), { root, tree });
  }
  return notes;
}

function contentOf(path: string): string | undefined {
  return ignoreErrors(() => readFileSync(path, 'latin1'));
}

/** Links each package: those of the repository itself, which package managers link too, are those of the revision. */
function linkEach(from: string, to: string, { root, tree }: { readonly root: string; readonly tree: string }): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name.startsWith('@')) {
      linkEach(join(from, name), join(to, name), { root, tree });
      continue;
    }
    const place = join(from, name);
    const target = lstatSync(place).isSymbolicLink() ? resolve(dirname(place), readlinkSync(place)) : place;
    const within = relative(root, target);
    const isOwn = !within.startsWith('..') && !within.split(sep).includes('node_modules');
    symlinkSync(isOwn ? join(tree, within) : place, join(to, name), 'junction');
  }
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function git(args: readonly string[], cwd: string): Ran {
  const { error, status, stdout, stderr } = spawnSync('git', args, { cwd, encoding: 'utf8' });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new PorticoError('PORTICO_PLAN_REVISION', {
      message: 'git is not installed, or not in PATH',
      hint: 'Install it, or pass two directories: portico plan ../old .',
    });
  }
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' };
}
