/**
 * A Deployment and a Service for Kubernetes.
 */
import { isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
import {
  atLeast,
  type DeploymentFile,
  type Entry,
  type Fits,
  type Lines,
  lastOf,
  listsPorts,
  noneOf,
  oneOf,
  rule,
} from './compare.js';
import { type Deployment, openAdmin, portOf, schemeOf, variablesComment, writtenBy } from './deployment.js';
import { APP, isInApp, placesInImage } from './docker.js';

/** Kubernetes has no value for no limit. */
const LONGEST_SECONDS = 86_400;

export const kubernetes: DeploymentFile = { lines, read };

function lines(deployment: Deployment): Lines {
  const { stopSeconds = LONGEST_SECONDS } = deployment;
  const ports = portsOf(deployment);
  const { directories, inside } = placesInImage(deployment);
  // Without a temporary directory no service starts. A volume over the application would hide its files.
  const written = ['/tmp', ...directories.filter((path) => !isInApp(path))];
  const published = ports.filter(({ isAdmin }) => !isAdmin);
  return [
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
    rule('pod.terminationGracePeriodSeconds', atLeast(stopSeconds, Number), { unset: '30' }),
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
    rule('container.volumeMounts.mountPath', noneOf(APP), {
      why: `the volume at ${APP} hides the application`,
      hint: 'Write to another directory.',
    }),
    resources(deployment),
    ports.length > 0 && '          ports:',
    ...ports.map(({ name, port }) => `            - { name: ${name}, containerPort: ${port} }`),
    portRules(deployment),
    ...probes(deployment),
    PROBES.map((kind) => probeRules(kind, deployment)),
    '      volumes:',
    ...written.map((_, at) => `        - { name: written-${at}, emptyDir: {} }`),
    published.length > 0 && [
      '---',
      'apiVersion: v1',
      'kind: Service',
      'metadata:',
      '  name: portico',
      'spec:',
      '  selector: { app.kubernetes.io/name: portico }',
      '  ports:',
      ...published.map(({ name, port }) => `    - { name: ${name}, port: ${port}, targetPort: ${name} }`),
    ],
  ];
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

function resources(deployment: Deployment): Lines {
  const { workers, maxMemory } = deployment;
  const least = mostMemory(deployment, maxMemory / MIB);
  const most = mostMemory(deployment, maxMemory === 0 ? 2 * WORKER_MIB : maxMemory / MIB);
  const usual = Math.min(most, PARENT_MIB + workers * WORKER_MIB);
  return [
    '          # Starting values; measure. A CPU limit would delay requests while processors are idle.',
    '          resources:',
    `            requests: { cpu: ${workers * 250}m, memory: ${usual}Mi }`,
    `            limits: { memory: ${most}Mi }`,
    rule('container.resources.limits.memory', atLeast(maxMemory === 0 ? 0 : least, mibOf), {
      why: `${workers} workers of max_memory need ${least}Mi in a reload`,
    }),
  ];
}

const MIB = 2 ** 20;

/** Suffixes of quantities in Kubernetes. */
const SUFFIXES: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: MIB, Gi: 2 ** 30 };

/** Returns a quantity in MiB; NaN for another unit. */
function mibOf(value: string): number {
  const [, number, unit = ''] = /^([\d.]+)(k|M|G|Ki|Mi|Gi)?$/.exec(value) ?? [];
  return (Number(number) * (SUFFIXES[unit] ?? 1)) / MIB;
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

const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'];

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

/** Returns rules for the ports of the container and of Services, and for the container itself. */
function portRules(deployment: Deployment): Lines {
  const ports = portsOf(deployment).map(({ port }) => port);
  return [
    rule('YAML', oneOf(''), { why: 'the file cannot be read' }),
    rule('container', (_value, _wanted, file) => file.some(({ key }) => ['container', 'YAML'].includes(key)), {
      why: 'the file has no pod template with a container',
    }),
    listsPorts('container.ports.containerPort', ports),
    rule('Service.targetPort', oneOf('', ...ports), { why: 'it is not a port of the container' }),
  ];
}

/** Returns rules for the port that a probe asks, and for the path that it asks of a port that is served. */
function probeRules(kind: string, deployment: Deployment): Lines {
  const at = `container.${kind}.httpGet`;
  const isServed = oneOf('', ...portsOf(deployment).map(({ port }) => port));
  const known = probesOf(deployment).flatMap(({ scheme, port, ready, live }) =>
    [ready, live, `${ready}/ready`].map((path) => `${scheme} ${path} on port ${port}`),
  );
  const isKnown: Fits = (path, _, file) => {
    const port = lastOf(file, `${at}.port`);
    return (
      !isServed(port, '', file) || known.includes(`${lastOf(file, `${at}.scheme`) || 'HTTP'} ${path} on port ${port}`)
    );
  };
  return [
    [`${at}.port`, `container.${kind}.tcpSocket.port`].map((key) =>
      rule(key, isServed, { why: 'nothing listens there' }),
    ),
    rule(`${at}.path`, isKnown, {
      unset: '/',
      why: 'there is no health check',
      hint: known[0] && `There is ${known[0]}.`,
    }),
  ];
}

/** Reads the first pod template, its container, and the ports of Services; a name of a port of the container is its number. */
function read(text: string): Entry[] {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines })];
  const [broken] = documents.flatMap(({ errors }) => errors);
  const top = { key: '', value: '', line: 1 };
  if (broken !== undefined) return [top, { key: 'YAML', value: broken.code, line: lines.linePos(broken.pos[0]).line }];
  const pod = documents.map((each) => each.getIn(['spec', 'template', 'spec'], true)).find(isMap);
  const containers = itemsOf(pod, 'containers');
  const container = containers.find((each) => each.get('name') === 'portico') ?? containers[0];
  const ports = itemsOf(container, 'ports').map((port) => [port.get('name'), port.get('containerPort')]);
  const named = new Map(ports.map(([name, port]) => [String(name), String(port)]));
  const services = documents.filter((each) => each.get('kind') === 'Service').map((each) => each.get('spec'));
  const targets = services.flatMap((spec) =>
    itemsOf(spec, 'ports').map((port) => port.get('targetPort', true) ?? port.get('port', true)),
  );
  const flat = (node: unknown, key: string): Entry[] => {
    if (!isNode(node)) return [];
    const value = isScalar(node) ? String(node.value) : '';
    const entry = {
      key,
      value: /\.(?:p|targetP)ort$/.test(key) ? (named.get(value) ?? value) : value,
      line: lines.linePos(node.range![0]).line,
    };
    if (isSeq(node)) return [entry, ...node.items.flatMap((each) => flat(each, key))];
    return isMap(node)
      ? [entry, ...node.items.flatMap((each) => flat(each.value, `${key}.${String(each.key)}`))]
      : [entry];
  };
  const reached = container === undefined ? [] : targets.flatMap((target) => flat(target, 'Service.targetPort'));
  return [top, ...flat(pod, 'pod'), ...flat(container, 'container'), ...reached];
}

/** Returns the maps in a list. */
function itemsOf(node: unknown, key: string): YAMLMap[] {
  const list = isMap(node) ? node.get(key, true) : undefined;
  return isSeq(list) ? list.items.filter((each) => isMap(each)) : [];
}
