/**
 * Files of the working directory for the build of an image: those that `.dockerignore` excludes, and missing ones.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { type Diagnostic, ignoreErrors } from '../../errors/index.js';
import type { Deployment } from './deployment.js';

export const IGNORE_FILE = '.dockerignore';

/** Reports whether a relative path is below its starting folder. */
export const isInside = (path: string): boolean => path !== '' && !path.startsWith('..') && !isAbsolute(path);

/** Returns a word quoted for the shell. */
export const shellWord = (word: string): string =>
  /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Returns the packages that package.json names as a file or a folder, with their paths from the working directory. */
function filesNamed({ folder }: Deployment) {
  const text = ignoreErrors(() => readFileSync(join(folder, 'package.json'), 'utf8')) ?? '{}';
  const manifest = ignoreErrors(() => JSON.parse(text) as { dependencies?: Readonly<Record<string, string>> });
  return Object.entries(manifest?.dependencies ?? {}).flatMap(([name, spec]) =>
    spec.startsWith('file:') ? [{ name, spec, path: relative(folder, resolve(folder, spec.slice(5))) }] : [],
  );
}

/** Returns tarballs of packages that npm installs before the rest of the project is copied. */
export function tarballs(deployment: Deployment): string[] {
  return filesNamed(deployment).flatMap(({ path }) => (isInside(path) && path.endsWith('.tgz') ? [path] : []));
}

/** Returns patterns for `.dockerignore`: an image contains neither its own files, nor tests, build results, state and secrets. */
function ignored(deployment: Deployment): string[] {
  const state = relative(deployment.folder, deployment.statePath.path);
  return [
    '.git',
    'Dockerfile',
    IGNORE_FILE,
    'node_modules',
    'test',
    ...(isInside(state) ? [state] : []),
    '**/*.log',
    '.env*',
    ...secretsInside(deployment),
  ];
}

function secretsInside({ folder, secretFiles }: Deployment): string[] {
  return [...new Set(secretFiles.map((path) => relative(folder, path)).filter(isInside))];
}

export function ignoreText(deployment: Deployment): string {
  return `${ignored(deployment).join('\n')}\n`;
}

/** Returns paths that `COPY . .` copies into the image and that must not be there. */
export function wronglyCopied(deployment: Deployment): string[] {
  const text = ignoreErrors(() => readFileSync(join(deployment.folder, IGNORE_FILE), 'utf8')) ?? '';
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return ['node_modules', ...secretsInside(deployment)].filter((path) => {
    const last = lines.findLast((line) => matches(line.replace(/^!/, ''), path));
    return last === undefined || last.startsWith('!');
  });
}

/** Reports whether a pattern matches a path, or a folder above it: the rules of Go's `filepath.Match`, and `**` for any folders. */
function matches(pattern: string, path: string): boolean {
  const trimmed = pattern.trim().replace(/^(?:\.?\/)+|(?:\/\*\*)?\/?$/g, '');
  const expression = trimmed.replace(/\*\*\/?|[*?]|[.+^${}()|[\]\\]/g, (found) => {
    if (found.startsWith('**')) return found === '**' ? '.*' : '(?:.*/)?';
    return found === '*' ? '[^/]*' : found === '?' ? '[^/]' : `\\${found}`;
  });
  return new RegExp(`^${expression}(?:/|$)`).test(path);
}

/** Returns reasons why the image cannot be built, or must not be published. */
export function warnings(deployment: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  const { folder, secrets } = deployment;
  const lacking = existsSync(join(folder, 'package-lock.json'))
    ? []
    : [
        {
          message: 'the image cannot be built: npm ci needs a package-lock.json',
          hint: 'Create it with npm install --package-lock-only.',
        },
      ];
  const outside = filesNamed(deployment)
    .filter(({ path }) => !isInside(path))
    .map(({ name, spec, path }) => ({
      message: `the image cannot be built: package.json names ${name} as ${spec}, which is outside of this folder`,
      hint: `Pack it into this folder: npm install "./$(npm pack --silent ${shellWord(path)} | tail -n 1)". Then generate the file again.`,
    }));
  const told = secrets.filter(({ file }) => isInside(relative(folder, file)));
  const given = told.map(({ option, file, variable }) => ({
    message: `${relative(folder, file)} has a secret, which is in the image then: ${option}`,
    hint: `Set it in the container: ${variable}, or ${variable}_FILE, which names a file that has it.`,
  }));
  return [...lacking, ...outside, ...given];
}
