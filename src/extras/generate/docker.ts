/**
 * A Dockerfile.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Diagnostic, ignoreErrors, shellWord } from 'portico/extension';
import type { ApiFacts, WrittenPath } from 'portico/service';
import { type Deployment, portOf, portsOf, schemeOf, variablesComment, writtenBy } from './deployment.js';
import type { DeploymentFile, Lines } from './deployment-file.js';
import { directoryOf, isRelative, valueIn, variableOf } from './moved-paths.js';
import { below, isTemporary, MADE } from './systemd-unit.js';

// Files of the working directory for the build of an image: those that `.dockerignore` excludes, and missing ones.

const IGNORE_FILE = '.dockerignore';

/** Reports whether a relative path is below its starting folder. */
const isInside = (path: string): boolean => path !== '' && !path.startsWith('..') && !isAbsolute(path);

/** Returns the packages that package.json names as a file or a folder, with their paths from the working directory. */
function filesNamed({ folder }: Deployment) {
  const text = ignoreErrors(() => readFileSync(join(folder, 'package.json'), 'utf8')) ?? '{}';
  const manifest = ignoreErrors(() => JSON.parse(text) as { dependencies?: Readonly<Record<string, string>> });
  return Object.entries(manifest?.dependencies ?? {}).flatMap(([name, spec]) =>
    spec.startsWith('file:') ? [{ name, spec, path: relative(folder, resolve(folder, spec.slice(5))) }] : [],
  );
}

/** Returns tarballs of packages that npm installs before the rest of the project is copied. */
function tarballs(deployment: Deployment): string[] {
  return filesNamed(deployment).flatMap(({ path }) => (isInside(path) && path.endsWith('.tgz') ? [path] : []));
}

/** Returns patterns for `.dockerignore`: an image contains neither its own files, nor tests, build results, state and secrets. */
function ignored(deployment: Deployment): string[] {
  const state = relative(deployment.folder, resolve(deployment.writtenPaths()[0]!.value));
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

function ignoreText(deployment: Deployment): string {
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
function warnings(deployment: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
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
  const given = told.map(({ group, opt, file }) => ({
    message: `${relative(folder, file)} has a secret, which is in the image then: [${group}] ${opt}`,
    hint: `Set it in the container: ${variableOf({ group, opt })}, or ${variableOf({ group, opt })}_FILE, which names a file that has it.`,
  }));
  const copied = wronglyCopied(deployment).map((path) => ({
    message: `the image would have ${path}, which is not in ${IGNORE_FILE}`,
    hint: `Add the line ${path} there.`,
  }));
  return [...lacking, ...outside, ...given, ...copied];
}

export const docker: DeploymentFile = {
  lines,
  warnings,
  beside: (deployment) => ({ name: IGNORE_FILE, text: ignoreText(deployment) }),
};

/** Working directory in the image. */
export const APP = '/app';
/** Control socket if the configuration does not set one: a health check has to know its path. */
const SOCKET = '/run/portico/control.sock';
const SOCKET_VARIABLE = variableOf({ group: 'control', opt: 'socket' });
const LOG_VARIABLE = variableOf({ group: 'DEFAULT', opt: 'log_format' });

function lines(deployment: Deployment): Lines {
  const { name, stopSeconds } = deployment;
  const ports = portsOf(deployment);
  const targets = targetsOf(deployment);
  const places = placesInImage(deployment);
  const directories = places.directories.map(shellWord).join(' ');
  const environment = places.environment.map(([name, value]) => ` ${name}=${quoted(value)}`).join('');
  const stop = stopSeconds === undefined ? '' : ` --stop-timeout ${stopSeconds}`;
  return [
    writtenBy('docker', deployment),
    `# docker build --tag ${name} . && docker run${stop}${ports.map((port) => ` --publish ${port}:${port}`).join('')} ${name}`,
    stop === ''
      ? '# A graceful shutdown has no time limit: set --stop-timeout, because Docker kills after 10 s.'
      : '# Without --stop-timeout (stop_grace_period in a Compose file) Docker kills after 10 s.',
    ...variablesComment('a container', deployment),
    'FROM node:22-slim',
    '# Process 1 must reap orphaned processes, which Node.js does not do.',
    'RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*',
    `ENV NODE_ENV=production${environment}`,
    `WORKDIR ${APP}`,
    'COPY package.json package-lock.json ./',
    ...tarballs(deployment).map(
      (path) => `COPY ${JSON.stringify([path, `./${path}`].map((each) => each.replaceAll('$', '\\$')))}`,
    ),
    'RUN npm ci --omit=dev && npm cache clean --force',
    'COPY . .',
    '# A cluster may run it as any user, who is then in group 0.',
    `RUN mkdir -p ${directories} && chown node:0 ${directories} && chmod 775 ${directories}`,
    '# The user node, by its number: of a name a kubelet does not know whether it is root.',
    'USER 1000',
    ports.length > 0 && `EXPOSE ${ports.join(' ')}`,
    'STOPSIGNAL SIGTERM',
    targets.length > 0 && ['HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \\', `  CMD ${probe(targets)}`],
    'ENTRYPOINT ["/usr/bin/tini", "--"]',
    `CMD ${JSON.stringify(['node', 'node_modules/portico/lib/cli/main.js', ...wordsInside(deployment)])}`,
  ];
}

/**
 * Returns what the application writes to in the image: directories, without those that all images provide; `environment`:
 * assignments that move paths out of the folder of the application, which is code; `inside`: paths that stay in it.
 */
export function placesInImage(deployment: Deployment) {
  const [state] = deployment.writtenPaths();
  const environment = new Map<string, string>();
  const place = (written: WrittenPath): WrittenPath => {
    if (!written.canMove || !isInApp(directoryInImage(written, deployment))) return written;
    const value = valueIn(written, `${written.isLog ? MADE.LogsDirectory : MADE.StateDirectory}/portico`);
    environment.set(variableOf(written), value);
    return { ...written, value };
  };
  const { controlSocket, logFormat } = deployment.options;
  // Collectors of the output of containers read each line as JSON.
  if (logFormat === 'auto') environment.set(LOG_VARIABLE, 'json');
  if (controlSocket === undefined) environment.set(SOCKET_VARIABLE, SOCKET);
  const placed = deployment.writtenPaths(place(state!).value).map((written) => {
    const now = place(written);
    return { written: now, directory: directoryInImage(now, deployment) };
  });
  const made = [...placed.map(({ directory }) => directory), ...(controlSocket === undefined ? [dirname(SOCKET)] : [])];
  return {
    directories: [...new Set(made)].filter((path) => !isTemporary(path) && !/^\/(?:(?:dev|proc)(?:\/|$)|$)/.test(path)),
    environment: [...environment],
    inside: placed.filter(({ directory }) => isInApp(directory)),
  };
}

function directoryInImage(written: WrittenPath, { folder }: Deployment): string {
  const directory = directoryOf(written, written.value);
  return resolve(APP, isRelative(written) ? relative(folder, directory) : directory);
}

/** Reports whether a path is the application's folder or below it. */
export const isInApp = (path: string): boolean => path === APP || below(APP, path) !== undefined;

/** Returns a value for `ENV`: Docker expands `$`, and so does the configuration. */
const quoted = (value: string): string =>
  /^[\w./:-]+$/.test(value) ? value : JSON.stringify(value).replaceAll('$', '\\$\\$');

/** Returns the options within the image, which contains the working directory. Its loopback is not reachable from outside. */
function wordsInside({ arguments: words, enteredFolder, apis }: Deployment): string[] {
  const named = words.flatMap(({ option, value }) => {
    const inside = isAbsolute(value) ? relative(enteredFolder, value) : value;
    return [option, isInside(inside) ? inside : value];
  });
  const opened = apis.filter(isHidden).flatMap((api) => ['--set', `api:${api.name}.listen=0.0.0.0:${portOf(api)}`]);
  return [...named, ...opened];
}

/** Reports whether an API listens on loopback alone. */
const isHidden = ({ address, isLocal }: ApiFacts): boolean => 'port' in address && isLocal;

/** A target that responds with 200 when APIs are ready: a URL, or the path of a socket. */
interface Target {
  readonly url: string;
  readonly socket?: string;
  /** The API that is probed; undefined for all of them. */
  readonly api?: string;
}

/** Returns readiness of all APIs from their parent; of each, by its health check, if the parent is not reachable. */
function targetsOf({ apis, metrics, admin = metrics, options }: Deployment): Target[] {
  if (admin !== undefined) return [{ url: `http://${admin.connect}/readyz` }];
  const { controlSocket: control } = options;
  if (control === undefined) return [{ url: 'http://localhost/readyz', socket: SOCKET }];
  if (control !== '') return [{ url: 'http://localhost/readyz', socket: resolve(APP, control) }];
  return apis.flatMap((api) => {
    const port = portOf(api);
    if (port === undefined || api.health === undefined) return [];
    return [{ url: `${schemeOf(api)}://127.0.0.1:${port}${api.health}`, api: api.name }];
  });
}

/** Returns a probe for use within the image, which has no curl. Certificates have other names than the loopback. */
function probe(targets: readonly Target[]): string {
  const asked = targets.map(({ url, socket }) => {
    const options = socket === undefined ? 'rejectUnauthorized: false' : `socketPath: ${scripted(socket)}`;
    return `import('node:${url.startsWith('https:') ? 'https' : 'http'}').then(({ get }) => get(${scripted(url)}, { ${options} }, (res) => res.statusCode === 200 ? res.resume() : process.exit(1)).on('error', () => process.exit(1)))`;
  });
  return JSON.stringify(['node', '-e', asked.join('; ')]);
}

const scripted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
