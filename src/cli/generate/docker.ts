/**
 * A Dockerfile.
 */
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { isLoopback } from '../../launch/internal.js';
import { formatAddress } from '../../service/internal.js';
import { IGNORE_FILE, ignoreText, isInside, shellWord, tarballs, warnings, wronglyCopied } from './build-context.js';
import {
  type DeployedApi,
  type Deployment,
  type DeploymentFile,
  openAdmin,
  portOf,
  schemeOf,
  type Tell,
  variablesComment,
  writtenBy,
} from './deployment.js';
import { MADE } from './systemd-unit.js';
import { below, isTemporary, NAME } from './unit-places.js';
import { directoryOf, isRelative, valueIn, variableOf, type WrittenPath } from './written-paths.js';

export const docker: DeploymentFile = {
  generate,
  check,
  warnings,
  beside: (deployment) => ({ name: IGNORE_FILE, text: ignoreText(deployment) }),
};

/** Working directory in the image. */
export const APP = '/app';
/** Control socket if the configuration does not set one: a health check has to know its path. */
const SOCKET = '/run/portico/control.sock';
const SOCKET_VARIABLE = variableOf({ group: 'control', opt: 'socket' });

function generate(deployment: Deployment): string {
  const { stopSeconds } = deployment;
  const ports = portsOf(deployment);
  const targets = targetsOf(deployment);
  const places = placesInImage(deployment);
  const directories = places.directories.map(shellWord).join(' ');
  const environment = places.environment.map(([name, value]) => ` ${name}=${quoted(value)}`).join('');
  const stop = stopSeconds === undefined ? '' : ` --stop-timeout ${stopSeconds}`;
  const lines = [
    writtenBy('docker'),
    `# docker build --tag portico . && docker run${stop}${ports.map((port) => ` --publish ${port}:${port}`).join('')} portico`,
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
    'RUN npm ci --omit=dev',
    'COPY . .',
    `RUN mkdir -p ${directories} && chown node:node ${directories}`,
    'USER node',
    ...(ports.length === 0 ? [] : [`EXPOSE ${ports.join(' ')}`]),
    'STOPSIGNAL SIGTERM',
    ...(targets.length === 0
      ? []
      : ['HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \\', `  CMD ${probe(targets)}`]),
    'ENTRYPOINT ["/usr/bin/tini", "--"]',
    `CMD ${JSON.stringify(['node', 'node_modules/portico/lib/cli/main.js', ...wordsInside(deployment)])}`,
  ];
  return lines.join('\n');
}

/**
 * Returns what the program writes to in the image: directories, without those that all images provide; `environment`:
 * assignments that move paths out of the folder of the application, which is code; `inside`: paths that stay in it.
 */
export function placesInImage(deployment: Deployment) {
  const [state] = deployment.writes();
  const environment = new Map<string, string>();
  const place = (written: WrittenPath): WrittenPath => {
    if (!written.canMove || !isInApp(directoryInImage(written, deployment))) return written;
    const value = valueIn(written, `${written.isLog ? MADE.LogsDirectory : MADE.StateDirectory}/${NAME}`);
    environment.set(variableOf(written), value);
    return { ...written, value };
  };
  const { control } = deployment;
  if (control === undefined) environment.set(SOCKET_VARIABLE, SOCKET);
  const placed = deployment.writes(place(state!).value).map((written) => {
    const now = place(written);
    return { written: now, directory: directoryInImage(now, deployment) };
  });
  const made = [...placed.map(({ directory }) => directory), ...(control === undefined ? [dirname(SOCKET)] : [])];
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

/** Returns ports that are reachable from outside. */
function portsOf(deployment: Deployment): number[] {
  const ports = deployment.apis.flatMap((api) => portOf(api) ?? []);
  const admin = openAdmin(deployment);
  return [...new Set(admin === undefined ? ports : [...ports, admin.port])];
}

/** Returns the options within the image, which contains the working directory. Its loopback is not reachable from outside. */
function wordsInside({ words, entered, apis }: Deployment): string[] {
  const named = words.flatMap(({ option, value }) => {
    const inside = isAbsolute(value) ? relative(entered, value) : value;
    return [option, isInside(inside) ? inside : value];
  });
  const opened = apis.filter(isHidden).flatMap((api) => ['--set', `api:${api.name}.listen=0.0.0.0:${portOf(api)}`]);
  return [...named, ...opened];
}

const isHidden = ({ address }: DeployedApi): boolean => 'host' in address && isLoopback(address.host);

/** A target that answers 200 when APIs are ready: a URL, or the path of a socket. */
interface Target {
  readonly url: string;
  readonly socket?: string;
  /** The API that is probed; undefined for all of them. */
  readonly api?: string;
}

/** Returns readiness of all APIs from their parent; of each, by its health check, if the parent is not reachable. */
function targetsOf({ apis, admin, control }: Deployment): Target[] {
  if (admin !== undefined) {
    const host = ['0.0.0.0', '::'].includes(admin.host) ? '127.0.0.1' : admin.host;
    return [{ url: `http://${formatAddress({ host, port: admin.port })}/readyz` }];
  }
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

interface Instruction {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** Returns the instructions of the last stage, which is the one that runs. */
function parseDockerfile(text: string): Instruction[] {
  const all: Instruction[] = [];
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let written = lines[at]!.trim();
    if (written === '' || written.startsWith('#')) continue;
    while (written.endsWith('\\') && at + 1 < lines.length) written = `${written.slice(0, -1)}${lines[++at]!.trim()}`;
    const [, name = '', value = ''] = /^(\w+)\s+(.*)$/.exec(written) ?? [];
    all.push({ name: name.toUpperCase(), value, line });
  }
  return all.slice(all.map(({ name }) => name).lastIndexOf('FROM') + 1);
}

function check(text: string, deployment: Deployment, tell: Tell): void {
  const instructions = parseDockerfile(text);
  const of = (name: string): Instruction[] => instructions.filter((each) => each.name === name);
  const end = instructions.at(-1)?.line ?? 1;
  for (const { name, value, line } of [...of('ENTRYPOINT').slice(-1), ...of('CMD').slice(-1)]) {
    if (!value.startsWith('[')) {
      const message = `${name} is in shell form: the shell receives the signals, and exits alone`;
      tell(line, message, 'Write the words as a JSON array.');
    } else if (/"(?:npm|npx|yarn|pnpm)"/.test(value)) {
      tell(line, `${name} starts a package manager, which does not forward all signals`);
    }
  }
  const user = of('USER').at(-1);
  if (user === undefined || /^(?:root|0)(?::|$)/.test(user.value)) {
    tell(user?.line ?? end, 'the program runs as root', 'Write USER node.');
  }
  const signal = of('STOPSIGNAL').at(-1);
  if (signal !== undefined && !/^(?:SIG)?(?:TERM|15)$/.test(signal.value)) {
    const message = `STOPSIGNAL is ${signal.value}: a graceful shutdown starts with TERM`;
    tell(signal.line, message, 'Write STOPSIGNAL SIGTERM.');
  }
  checkPorts(of('EXPOSE'), end, deployment, tell);
  for (const { name } of deployment.apis.filter(isHidden)) {
    const variable = variableOf({ group: `api:${name}`, opt: 'listen' });
    if (text.includes(`api:${name}.listen=`) || text.includes(variable)) continue;
    const message = `${name} listens on the loopback address of the container, which is unreachable from outside`;
    tell(end, message, `Add "--set", "api:${name}.listen=0.0.0.0" to CMD.`);
  }
  for (const { value, line } of of('COPY')) {
    if (!/^\.\/?\s/.test(value)) continue;
    for (const path of wronglyCopied(deployment)) {
      tell(line, `it copies ${path}, which is not in ${IGNORE_FILE}`, `Add the line ${path}.`);
    }
  }
  const [health] = of('HEALTHCHECK');
  const variables = of('ENV').map(({ value }) => value);
  if (health !== undefined) checkHealth(health, variables.join(' '), deployment, tell);
}

function checkPorts(exposed: readonly Instruction[], end: number, deployment: Deployment, tell: Tell): void {
  const there = exposed.flatMap(({ value, line }) =>
    value.split(/\s+/).map((port) => ({ port: Number.parseInt(port, 10), line })),
  );
  const ports = portsOf(deployment);
  for (const port of ports) {
    if (there.some((each) => each.port === port)) continue;
    tell(exposed[0]?.line ?? end, `port ${port} is not exposed`, `Write EXPOSE ${ports.join(' ')}.`);
  }
  for (const { port, line } of there) {
    if (!ports.includes(port)) tell(line, `nothing listens on port ${port}`);
  }
}

/** Ignores a health check that differs from the generated one. */
function checkHealth({ value, line }: Instruction, variables: string, deployment: Deployment, tell: Tell): void {
  const socket = /socketPath:\s*'([^']+)'/.exec(value)?.[1];
  if (socket !== undefined) {
    const { control } = deployment;
    const [, set = control ?? ''] = new RegExp(`${SOCKET_VARIABLE}=(\\S+)`).exec(variables) ?? [];
    const served = set === '' ? '' : resolve(APP, set);
    if (served !== socket)
      tell(line, `there is no control socket at ${socket}`, `Write ENV ${SOCKET_VARIABLE}=${socket}.`);
    return;
  }
  const asked = [...value.matchAll(/(https?):\/\/([^\s/:'"]+|\[[^\]]+\]):(\d+)(\/[^\s'"?]*)?/g)];
  if (asked.length === 0) return;
  const { admin, apis } = deployment;
  if (asked.some(([, , , port, path]) => admin?.port === Number(port) && path === '/readyz')) return;
  const found = asked.map(([url, scheme, , port, path = '/']) => ({
    url,
    api: apis.find(
      (api) =>
        portOf(api) === Number(port) &&
        schemeOf(api) === scheme &&
        [api.health, `${api.health}/live`, `${api.health}/ready`].includes(path),
    ),
  }));
  for (const { url, api } of found) if (api === undefined) tell(line, `no API has a health check at ${url}`);
  const names = found.flatMap(({ api }) => api?.name ?? []);
  const others = apis.filter(({ name, health }) => health !== undefined && !names.includes(name));
  if (names.length > 0 && others.length > 0) {
    const hint = 'api-cli generate docker prints one that checks all APIs.';
    tell(line, `HEALTHCHECK checks ${names.join(', ')}, but not ${others.map(({ name }) => name).join(', ')}`, hint);
  }
}
