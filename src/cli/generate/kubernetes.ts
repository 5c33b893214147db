/**
 * A Deployment and a Service for Kubernetes.
 */
import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import {
  type Deployment,
  type DeploymentFile,
  openAdmin,
  portOf,
  schemeOf,
  type Tell,
  variablesComment,
  writtenBy,
} from './deployment.js';
import { APP, isInApp, placesInImage } from './docker.js';

/** Kubernetes has no value for no limit. */
const LONGEST_SECONDS = 86_400;
const DEFAULT_GRACE_SECONDS = 30;

export const kubernetes: DeploymentFile = { generate, check };

function generate(deployment: Deployment): string {
  const { stopSeconds = LONGEST_SECONDS } = deployment;
  const ports = portsOf(deployment);
  const { directories, inside } = placesInImage(deployment);
  // Without a temporary directory no service starts. A volume over the application would hide its files.
  const written = ['/tmp', ...directories.filter((path) => !isInApp(path))];
  const lines = [
    writtenBy('kubernetes'),
    '# Build the image with api-cli generate docker. A pod gets TERM before all load balancers know: with drain_delay = 5 in',
    '# [DEFAULT] it keeps serving until they do.',
    ...variablesComment('the container', deployment),
    'apiVersion: apps/v1',
    'kind: Deployment',
    'metadata:',
    '  name: portico',
    '  labels: { app.kubernetes.io/name: portico }',
    'spec:',
    '  replicas: 2',
    '  selector:',
    '    matchLabels: { app.kubernetes.io/name: portico }',
    '  template:',
    '    metadata:',
    '      labels: { app.kubernetes.io/name: portico }',
    '    spec:',
    '      # graceful_shutdown_timeout, plus the time to kill remaining processes.',
    `      terminationGracePeriodSeconds: ${stopSeconds}`,
    '      securityContext:',
    '        runAsNonRoot: true',
    '        runAsUser: 1000',
    '        fsGroup: 1000',
    '        # Pod Security "restricted" requires this.',
    '        seccompProfile: { type: RuntimeDefault }',
    '      containers:',
    '        - name: portico',
    '          image: portico:latest',
    '          securityContext:',
    '            allowPrivilegeEscalation: false',
    ...inside.map(
      ({ written: { group, opt }, directory }) =>
        `            # Not read-only, because [${group}] ${opt} is in the folder of the application, ${directory}.`,
    ),
    `            readOnlyRootFilesystem: ${inside.length === 0}`,
    '            capabilities: { drop: [ALL] }',
    '          # All that is written; it ends with the pod. For data that must stay, mount a PersistentVolumeClaim.',
    '          volumeMounts:',
    ...written.map((path, at) => `            - { name: written-${at}, mountPath: ${scalar(path)} }`),
    ...resources(deployment),
    ...(ports.length === 0 ? [] : ['          ports:']),
    ...ports.map(({ name, port }) => `            - { name: ${name}, containerPort: ${port} }`),
    ...probes(deployment),
    '      volumes:',
    ...written.map((_, at) => `        - { name: written-${at}, emptyDir: {} }`),
  ];
  const published = ports.filter(({ isAdmin }) => !isAdmin);
  if (published.length === 0) return lines.join('\n');
  lines.push(
    '---',
    'apiVersion: v1',
    'kind: Service',
    'metadata:',
    '  name: portico',
    'spec:',
    '  selector: { app.kubernetes.io/name: portico }',
    '  ports:',
    ...published.map(({ name, port }) => `    - { name: ${name}, port: ${port}, targetPort: ${name} }`),
  );
  return lines.join('\n');
}

/** MiB of a parent, and of a worker with a small application. */
const PARENT_MIB = 128;
const WORKER_MIB = 128;

/**
 * Returns the MiB that all processes may use: workers `max_memory` each, and during a reload one more for each service; for a refused
 * reload a child builds all services.
 */
function mostMemory({ apis, services, workers }: Deployment, eachMib: number): number {
  return PARENT_MIB + Math.ceil((workers + apis.length + services.length + 1) * eachMib);
}

function resources(deployment: Deployment): string[] {
  const { workers, maxMemory } = deployment;
  const most = mostMemory(deployment, maxMemory === 0 ? 2 * WORKER_MIB : maxMemory / MIB);
  const usual = Math.min(most, PARENT_MIB + workers * WORKER_MIB);
  return [
    '          # Starting values; measure. A CPU limit would delay requests while processors are idle.',
    '          resources:',
    `            requests: { cpu: ${workers * 250}m, memory: ${usual}Mi }`,
    `            limits: { memory: ${most}Mi }`,
  ];
}

const MIB = 2 ** 20;

/** Suffixes of quantities in Kubernetes. */
const SUFFIXES: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: MIB, Gi: 2 ** 30 };

/** Returns a quantity in MiB; undefined for another unit. */
function mibOf(value: Scalar): number | undefined {
  const [, number, unit = ''] = /^([\d.]+)(k|M|G|Ki|Mi|Gi)?$/.exec(String(value)) ?? [];
  return number === undefined ? undefined : (Number(number) * (SUFFIXES[unit] ?? 1)) / MIB;
}

/** Returns ports that are reachable from outside, each with a service name (RFC 6335 §5.1). */
function portsOf(deployment: Deployment) {
  const admin = openAdmin(deployment);
  const ports = deployment.apis.flatMap((api) => {
    const port = portOf(api);
    const name = api.name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-/, '')
      .slice(0, 15)
      .replace(/-$/, '');
    return port === undefined ? [] : [{ name: /[a-z]/.test(name) ? name : `api-${port}`, port, isAdmin: false }];
  });
  if (admin === undefined) return ports;
  return [...ports, { name: 'admin', port: admin.port, isAdmin: true }];
}

interface Probe {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly port: number;
  readonly ready: string;
  readonly live: string;
}

/** Returns all probes: the admin listener for all APIs together, the health checks of single ones. */
function probesOf(deployment: Deployment): Probe[] {
  const admin = openAdmin(deployment);
  const own = deployment.apis.flatMap((api): Probe[] => {
    const [port, { health }] = [portOf(api), api];
    if (port === undefined || health === undefined) return [];
    return [{ scheme: schemeOf(api) === 'https' ? 'HTTPS' : 'HTTP', port, ready: health, live: `${health}/live` }];
  });
  if (admin === undefined) return own;
  return [{ scheme: 'HTTP', port: admin.port, ready: '/readyz', live: '/healthz' }, ...own];
}

function probes(deployment: Deployment): string[] {
  const [probe] = probesOf(deployment);
  const [first] = portsOf(deployment);
  if (probe === undefined && first === undefined) return [];
  const get = (path: string): string =>
    probe === undefined
      ? `tcpSocket: { port: ${first!.port} }`
      : `httpGet: { path: ${scalar(path)}, port: ${probe.port}, scheme: ${probe.scheme} }`;
  const [ready, live] = [get(probe?.ready ?? ''), get(probe?.live ?? '')];
  return [
    `          startupProbe: { ${live}, periodSeconds: 1, failureThreshold: 60 }`,
    `          readinessProbe: { ${ready}, periodSeconds: 5, timeoutSeconds: 2 }`,
    '          # The parent replaces a stuck worker; this probe restarts the whole container.',
    `          livenessProbe: { ${live}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }`,
  ];
}

/** Returns a path as YAML. */
const scalar = (path: string): string => (/^[\w./-]+$/.test(path) ? path : JSON.stringify(path));

type Scalar = string | number | undefined;

/** A node of a YAML document with its path from the top. */
class Manifest {
  readonly #node: unknown;
  readonly #lines: LineCounter;
  /** Line of the nearest existing node above it. */
  readonly line: number;

  constructor(node: unknown, lines: LineCounter, line = 1) {
    const start = (node as { range?: readonly number[] } | undefined)?.range?.[0];
    this.#node = node;
    this.#lines = lines;
    this.line = start === undefined ? line : lines.linePos(start).line;
  }

  /** Its value, a text or a number. */
  get value(): Scalar {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    return typeof value === 'string' || typeof value === 'number' ? value : undefined;
  }

  get exists(): boolean {
    return this.#node !== undefined && this.#node !== null;
  }

  get items(): Manifest[] {
    return isSeq(this.#node) ? this.#node.items.map((item) => new Manifest(item, this.#lines, this.line)) : [];
  }

  at(...keys: readonly string[]): Manifest {
    const [key, ...rest] = keys;
    if (key === undefined) return this;
    const node = isMap(this.#node) ? this.#node.get(key, true) : undefined;
    return new Manifest(node, this.#lines, this.line).at(...rest);
  }
}

function check(text: string, deployment: Deployment, tell: Tell): void {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  const [broken] = [...documents].flatMap(({ errors }) => errors);
  if (broken !== undefined) {
    tell(lines.linePos(broken.pos[0]).line, `no YAML: ${broken.code}`);
    return;
  }
  const manifests = [...documents].map(({ contents }) => new Manifest(contents, lines));
  const pod = manifests.map((each) => each.at('spec', 'template', 'spec')).find(({ exists }) => exists);
  if (pod === undefined) {
    tell(1, 'the file has no manifest with a pod template');
    return;
  }
  checkGrace(pod, deployment, tell);
  const containers = pod.at('containers').items;
  const container = containers.find((each) => each.at('name').value === 'portico') ?? containers[0];
  if (container === undefined) {
    tell(pod.line, 'the pod has no container');
    return;
  }
  const named = new Map(
    container.at('ports').items.map((each) => [each.at('name').value, each.at('containerPort').value]),
  );
  for (const { value, line } of container.at('volumeMounts').items.map((each) => each.at('mountPath'))) {
    if (value === APP) tell(line, `the volume at ${APP} hides the application`, 'Write to another directory.');
  }
  checkMemory(container.at('resources', 'limits', 'memory'), deployment, tell);
  checkPorts(container.at('ports'), deployment, tell);
  for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    checkProbe(kind, container.at(kind), named, deployment, tell);
  }
  const ports = portsOf(deployment).map(({ port }) => port);
  for (const service of manifests.filter((each) => each.at('kind').value === 'Service')) {
    for (const each of service.at('spec', 'ports').items) {
      const target = each.at('targetPort').exists ? each.at('targetPort') : each.at('port');
      if (ports.includes(Number(named.get(target.value) ?? target.value))) continue;
      tell(target.line, `targetPort ${String(target.value)} is not a port of the container`);
    }
  }
}

function checkGrace(pod: Manifest, { stopSeconds = LONGEST_SECONDS }: Deployment, tell: Tell): void {
  const grace = pod.at('terminationGracePeriodSeconds');
  const seconds = Number(grace.value ?? DEFAULT_GRACE_SECONDS);
  if (seconds >= stopSeconds) return;
  const message = `terminationGracePeriodSeconds is ${seconds}: a graceful shutdown can take ${stopSeconds} s`;
  tell(grace.line, message, `Write terminationGracePeriodSeconds: ${stopSeconds}.`);
}

/** Below the value that `max_memory` allows, the kernel kills workers before they are replaced. */
function checkMemory({ value, line }: Manifest, deployment: Deployment, tell: Tell): void {
  const limit = mibOf(value);
  const least = mostMemory(deployment, deployment.maxMemory / MIB);
  if (limit === undefined || deployment.maxMemory === 0 || limit >= least) return;
  const message = `limits.memory is ${value}: ${deployment.workers} workers of max_memory need ${least}Mi in a reload`;
  tell(line, message, `Write memory: ${least}Mi, or set a lower max_memory.`);
}

function checkPorts(listed: Manifest, deployment: Deployment, tell: Tell): void {
  const there = listed.items.map((each) => each.at('containerPort'));
  const ports = portsOf(deployment);
  for (const { name, port } of ports) {
    if (there.some(({ value }) => value === port)) continue;
    tell(listed.line, `containerPort ${port} of ${name} is missing`);
  }
  for (const { value, line } of there) {
    if (!ports.some(({ port }) => port === value)) tell(line, `nothing listens on containerPort ${String(value)}`);
  }
}

function checkProbe(
  kind: string,
  probe: Manifest,
  named: ReadonlyMap<Scalar, Scalar>,
  deployment: Deployment,
  tell: Tell,
): void {
  const get = probe.at('httpGet');
  const asked = get.exists ? get.at('port') : probe.at('tcpSocket', 'port');
  if (!asked.exists) return;
  const port = named.get(asked.value) ?? asked.value;
  if (!portsOf(deployment).some((each) => each.port === Number(port))) {
    tell(asked.line, `${kind} checks port ${String(port)}, on which nothing listens`);
    return;
  }
  if (!get.exists) return;
  const { value: path = '/' } = get.at('path');
  const { value: scheme = 'HTTP' } = get.at('scheme');
  const there = probesOf(deployment).filter((each) => each.port === port);
  if (there.some((each) => each.scheme === scheme && pathsOf(each).includes(String(path)))) return;
  const [known] = there;
  const message = `${kind} requests ${scheme} ${path} on port ${String(port)}, which has no health check`;
  tell(get.at('path').line, message, known && `There is ${known.scheme} ${known.ready}.`);
}

const pathsOf = ({ ready, live }: Probe): string[] => [ready, live, `${ready}/ready`];
