/**
 * A Deployment, a Service and a PodDisruptionBudget for Kubernetes.
 */
import { type Deployment, LONGEST_SECONDS, variablesComment, writtenBy } from './deployment.js';
import type { DeploymentFile, Lines } from './deployment-file.js';
import { isInApp, placesInImage } from './docker.js';
import { variableOf } from './moved-paths.js';
import {
  DRAIN,
  LEAVES_SECONDS,
  METRICS_LISTEN,
  type Pod,
  podOf,
  portsOf,
  probes,
  scalar,
  WORKERS,
} from './pod-probes.js';

export const kubernetes: DeploymentFile = { lines, warnings };

function lines(deployment: Deployment): Lines {
  const pod = podOf(deployment);
  const { name: named, stopSeconds = LONGEST_SECONDS } = deployment;
  const ports = portsOf(pod);
  const { inside } = placesInImage(deployment);
  const written = writtenIn(deployment);
  const published = ports.filter(({ isProbed }) => !isProbed);
  return [
    writtenBy('kubernetes', deployment),
    '# Build the image with api-cli generate docker.',
    ...variablesComment('the container', deployment),
    'apiVersion: apps/v1',
    'kind: Deployment',
    'metadata:',
    `  name: ${named}`,
    `  labels: { app.kubernetes.io/name: ${named} }`,
    'spec:',
    '  replicas: 2',
    '  selector:',
    `    matchLabels: { app.kubernetes.io/name: ${named} }`,
    '  template:',
    '    metadata:',
    `      labels: { app.kubernetes.io/name: ${named} }`,
    ...scraping(pod),
    '    spec:',
    '      # The service does not ask the API of Kubernetes.',
    '      automountServiceAccountToken: false',
    '      # graceful_shutdown_timeout, plus the time to kill remaining processes.',
    `      terminationGracePeriodSeconds: ${stopSeconds}`,
    '      securityContext:',
    '        runAsNonRoot: true',
    '        runAsUser: 1000',
    '        fsGroup: 1000',
    '        # Pod Security "restricted" requires this.',
    '        seccompProfile: { type: RuntimeDefault }',
    '      containers:',
    `        - name: ${named}`,
    `          image: ${named}:latest`,
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
    environment(pod),
    resources(pod),
    ports.length > 0 && '          ports:',
    ...ports.map(({ name, port }) => `            - { name: ${name}, containerPort: ${port} }`),
    ...probes(pod),
    '      volumes:',
    ...written.map((_, at) => `        - { name: written-${at}, emptyDir: {} }`),
    published.length > 0 && [
      '---',
      'apiVersion: v1',
      'kind: Service',
      'metadata:',
      `  name: ${named}`,
      'spec:',
      `  selector: { app.kubernetes.io/name: ${named} }`,
      '  ports:',
      ...published.map(({ name, port }) => `    - { name: ${name}, port: ${port}, targetPort: ${name} }`),
    ],
    '---',
    '# A drain of nodes evicts one pod at a time, the next one when all are ready again.',
    'apiVersion: policy/v1',
    'kind: PodDisruptionBudget',
    'metadata:',
    `  name: ${named}`,
    'spec:',
    '  maxUnavailable: 1',
    '  selector:',
    `    matchLabels: { app.kubernetes.io/name: ${named} }`,
  ];
}

/** Returns a warning of each database that no two pods share. */
function warnings({ databases }: Deployment): ReturnType<NonNullable<DeploymentFile['warnings']>> {
  return databases.map(({ group, opt, location }) => ({
    section: group,
    option: opt,
    location,
    message: 'each pod has its own file of SQLite, which ends with the pod',
    hint: 'Use PostgreSQL for what must stay, or one replica with a PersistentVolumeClaim.',
  }));
}

/** Returns the directories that the application writes to, and that volumes are for. */
const writtenIn = (deployment: Deployment): string[] => [
  // Without a temporary directory no service starts. A volume over the application would hide its files.
  '/tmp',
  ...placesInImage(deployment).directories.filter((path) => !isInApp(path)),
];

/** Returns the annotations by which Prometheus finds the metrics of each pod, if they were asked for. */
function scraping({ deployment, probed: [first] }: Pod): string[] {
  if (!deployment.additions.has('scraping') || first === undefined) return [];
  return [
    '      annotations:',
    '        prometheus.io/scrape: "true"',
    `        prometheus.io/port: "${first.port}"`,
    '        prometheus.io/path: /metrics',
  ];
}

/** MiB of a parent, and of a worker with a small application. */
const PARENT_MIB = 128;
const WORKER_MIB = 128;

/**
 * Returns the MiB that all processes may use: workers `max_memory` each, and during a reload one more for each service; for a refused
 * reload a child builds all services.
 */
function mostMemory(deployment: Deployment, eachMib: number): number {
  const { apis, services } = deployment;
  return PARENT_MIB + Math.ceil((workersOf(deployment) + apis.length + services.length + 1) * eachMib);
}

function resources({ deployment, isOneProcess }: Pod): string[] {
  const { maxMemory } = deployment.options;
  const workers = isOneProcess ? 1 : workersOf(deployment);
  const most = isOneProcess
    ? 2 * WORKER_MIB
    : mostMemory(deployment, maxMemory === 0 ? 2 * WORKER_MIB : maxMemory / 2 ** 20);
  const usual = isOneProcess ? WORKER_MIB : Math.min(most, PARENT_MIB + workers * WORKER_MIB);
  return [
    '          # Starting values; measure. A CPU limit would delay requests while CPUs are idle.',
    '          resources:',
    `            requests: { cpu: ${workers * 250}m, memory: ${usual}Mi }`,
    `            limits: { memory: ${most}Mi }`,
  ];
}

// Variables that a pod needs beside its configuration.

const METRICS_ENABLED = variableOf({ group: 'metrics', opt: 'enabled' });

/** Returns variables for what a pod needs and the configuration does not set. */
function environment({ deployment, opened, isOneProcess }: Pod): Lines {
  const { mostDrainSeconds, unset, additions, options } = deployment;
  const drain = Math.min(LEAVES_SECONDS, mostDrainSeconds);
  const variables = [
    ...(options.drainDelay > 0
      ? []
      : [
          '            # Services send to a pod for some seconds after its SIGTERM: it serves until they no longer do.',
          variable(DRAIN, drain),
        ]),
    ...(isOneProcess && !deployment.isOneProcess
      ? [
          '            # One process serves all APIs: replicas scale a Deployment, and the cluster restarts a container.',
          variable(WORKERS, 0),
        ]
      : []),
    ...(unset.length === 0 || isOneProcess
      ? []
      : [
          '            # Without it the number of workers follows the CPUs of the node; replicas scale a Deployment.',
          ...unset.map(({ name }) => variable(variableOf({ group: `api:${name}`, opt: 'workers' }), 1)),
        ]),
    ...(additions.has('scraping') && !options.countsMetrics ? [variable(METRICS_ENABLED, 'true')] : []),
    ...(opened === undefined
      ? []
      : [
          '            # For probes of all APIs together, and for Prometheus; status and configuration are not served there.',
          variable(METRICS_LISTEN, `0.0.0.0:${opened}`),
        ]),
  ];
  return [variables.length > 0 && '          env:', ...variables];
}

const variable = (name: string, value: number | string): string => `            - { name: ${name}, value: "${value}" }`;

/** Returns the number of workers in a pod: one for each API that does not set it. */
const workersOf = ({ workers, unset }: Deployment): number =>
  unset.reduce((sum, api) => sum - api.workers + 1, workers);
