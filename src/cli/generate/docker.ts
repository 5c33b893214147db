/**
 * A Dockerfile.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { type Diagnostic, ignoreErrors } from '../../errors/index.js';
import { isLoopback } from '../../launch/internal.js';
import {
  type DeployedApi,
  type Deployment,
  type DeploymentFile,
  portOf,
  schemeOf,
  type Tell,
  variablesComment,
  writtenBy,
} from './deployment.js';

export const docker: DeploymentFile = { generate, check, warnings };

function generate(deployment: Deployment): string {
  const { apis, stopSeconds, statePath } = deployment;
  const ports = portsOf(deployment);
  const health = apis.find((api) => api.health !== undefined && portOf(api) !== undefined);
  const state = statePath.isDefault ? '/app/var' : statePath.path;
  const stop = stopSeconds === undefined ? '' : ` --stop-timeout ${stopSeconds}`;
  const lines = [
    writtenBy('docker'),
    `# docker build --tag portico . && docker run${stop}${ports.map((port) => ` --publish ${port}:${port}`).join('')} portico`,
    stop === ''
      ? '# A graceful stop takes as long as it needs: name a --stop-timeout, Docker kills after 10 s.'
      : '# Without --stop-timeout (stop_grace_period in a Compose file) Docker kills after 10 s.',
    ...variablesComment('a container', deployment),
    'FROM node:22-slim',
    '# Process 1 inherits what other processes leave behind, and Node does not wait for children that are not its own.',
    'RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*',
    'ENV NODE_ENV=production',
    'WORKDIR /app',
    'COPY package.json package-lock.json ./',
    // npm installs a tarball of the project before the rest of the project is there.
    ...filesNamed(deployment)
      .filter(({ path }) => isInside(path) && path.endsWith('.tgz'))
      .map(({ path }) => `COPY ${JSON.stringify([path, `./${path}`].map((each) => each.replaceAll('$', '\\$')))}`),
    'RUN npm ci --omit=dev',
    'COPY . .',
    `RUN mkdir -p ${shellWord(state)} && chown node:node ${shellWord(state)}`,
    'USER node',
    ...(ports.length === 0 ? [] : [`EXPOSE ${ports.join(' ')}`]),
    'STOPSIGNAL SIGTERM',
    ...(health === undefined
      ? []
      : ['HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \\', `  CMD ${probe(health)}`]),
    'ENTRYPOINT ["/usr/bin/tini", "--"]',
    `CMD ${JSON.stringify(['node', 'node_modules/portico/lib/cli/main.js', ...wordsInside(deployment)])}`,
  ];
  return lines.join('\n');
}

/** A word of a line of the shell. */
const shellWord = (word: string): string => (/^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** A package that package.json names as a file or a folder, with its path from the working directory. */
interface FileNamed {
  readonly name: string;
  readonly spec: string;
  readonly path: string;
}

function filesNamed({ folder }: Deployment): FileNamed[] {
  const text = ignoreErrors(() => readFileSync(join(folder, 'package.json'), 'utf8')) ?? '{}';
  const manifest = ignoreErrors(() => JSON.parse(text) as { dependencies?: Readonly<Record<string, string>> });
  return Object.entries(manifest?.dependencies ?? {}).flatMap(([name, spec]) =>
    spec.startsWith('file:') ? [{ name, spec, path: relative(folder, resolve(folder, spec.slice(5))) }] : [],
  );
}

const isInside = (path: string): boolean => !path.startsWith('..') && !isAbsolute(path);

/** The build of an image has what stands in the working directory, and nothing beside it. */
function warnings(deployment: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  return filesNamed(deployment)
    .filter(({ path }) => !isInside(path))
    .map(({ name, spec, path }) => ({
      message: `the image cannot be built: package.json names ${name} as ${spec}, which is outside of this folder`,
      hint: `Pack it into this folder: npm install "./$(npm pack --silent ${shellWord(path)} | tail -n 1)". Then generate the file again.`,
    }));
}

/** Ports that are reached from outside. */
function portsOf({ apis, admin }: Deployment): number[] {
  const ports = apis.flatMap((api) => portOf(api) ?? []);
  return [...new Set(admin === undefined ? ports : [...ports, admin.port])];
}

/** Inside the image, which has what stands in the working directory. Nothing outside reaches its loopback. */
function wordsInside({ words, folder, apis }: Deployment): string[] {
  const named = words.flatMap(({ option, value }) => {
    const inside = isAbsolute(value) ? relative(folder, value) : value;
    return [option, isInside(inside) ? inside : value];
  });
  const opened = apis.filter(isHidden).flatMap((api) => ['--set', `api:${api.name}.listen=0.0.0.0:${portOf(api)}`]);
  return [...named, ...opened];
}

const isHidden = ({ address }: DeployedApi): boolean => 'host' in address && isLoopback(address.host);

/** Asks the health check from within: the image has no curl. Certificates have other names than the loopback. */
function probe(api: DeployedApi): string {
  const url = `${schemeOf(api)}://127.0.0.1:${portOf(api)}${api.health}`;
  const script = `import('node:${schemeOf(api)}').then(({ get }) => get('${url.replace(/['\\]/g, '\\$&')}', { rejectUnauthorized: false }, (res) => process.exit(res.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1)))`;
  return JSON.stringify(['node', '-e', script]);
}

interface Instruction {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** The instructions of the last stage, the one that is run. */
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
      const message = `${name} is in shell form: the shell is sent the signals, and ends alone`;
      tell(line, message, 'Write the words as a JSON array.');
    } else if (/"(?:npm|npx|yarn|pnpm)"/.test(value)) {
      tell(line, `${name} starts a package manager, which does not hand on all signals`);
    }
  }
  const user = of('USER').at(-1);
  if (user === undefined || /^(?:root|0)(?::|$)/.test(user.value)) {
    tell(user?.line ?? end, 'the program runs as root', 'Write USER node.');
  }
  const signal = of('STOPSIGNAL').at(-1);
  if (signal !== undefined && !/^(?:SIG)?(?:TERM|15)$/.test(signal.value)) {
    const message = `STOPSIGNAL is ${signal.value}: a graceful stop begins with TERM`;
    tell(signal.line, message, 'Write STOPSIGNAL SIGTERM.');
  }
  checkPorts(of('EXPOSE'), end, deployment, tell);
  for (const { name } of deployment.apis.filter(isHidden)) {
    const variable = `API_${name}__LISTEN`.toUpperCase();
    if (text.includes(`api:${name}.listen=`) || text.toUpperCase().includes(variable)) continue;
    const message = `${name} listens on the loopback of the container, which nothing outside reaches`;
    tell(end, message, `Add "--set", "api:${name}.listen=0.0.0.0" to CMD.`);
  }
  const [health] = of('HEALTHCHECK');
  if (health !== undefined) checkHealth(health, deployment, tell);
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

function checkHealth({ value, line }: Instruction, { apis }: Deployment, tell: Tell): void {
  const asked = /(https?):\/\/[^\s/:'"]+:(\d+)(\/[^\s'"?]*)?/.exec(value);
  if (asked === null) return;
  const [url, scheme, port, path = '/'] = asked;
  const isThere = apis.some(
    (api) =>
      portOf(api) === Number(port) &&
      schemeOf(api) === scheme &&
      [api.health, `${api.health}/live`, `${api.health}/ready`].includes(path),
  );
  if (!isThere) tell(line, `no API has its health check at ${url}`);
}
