/**
 * A Deployment, a Service and a PodDisruptionBudget for Kubernetes.
 */

import { countText } from '../../text/index.js';
import {
  atLeast,
  type CheckedFile,
  type Entry,
  type Fits,
  type Lines,
  lastOf,
  never,
  noneOf,
  oneOf,
  type Rule,
  rule,
} from './compare.js';
import { type Deployment, variablesComment, writtenBy } from './deployment.js';
import {
  APP,
  entryPointStarts,
  isHidden,
  isInApp,
  OTHER_PROGRAM,
  opensApi,
  placesInImage,
  startsProgram,
} from './docker.js';
import { isUnknown, READ_ONLY, readManifest, settingsIn, wordsIn } from './manifest.js';
import {
  METRICS_LISTEN,
  type Pod,
  PROBES,
  podOf,
  portRules,
  portsOf,
  probeRules,
  probes,
  scalar,
  WORKERS,
} from './pod-probes.js';
import { below } from './systemd-unit.js';
import { variableOf } from './written-paths.js';

/** Kubernetes has no value for no limit. */
const LONGEST_SECONDS = 86_400;

export const kubernetes: CheckedFile = { lines, read: readManifest, settings };

function lines(deployment: Deployment, file: readonly Entry[] = []): Lines {
  const pod = podOf(deployment, file);
  const { name: named, stopSeconds = LONGEST_SECONDS } = deployment;
  const ports = portsOf(pod);
  const { directories, inside } = placesInImage(deployment);
  // Without a temporary directory no service starts. A volume over the application would hide its files.
  const written = ['/tmp', ...directories.filter((path) => !isInApp(path))];
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
    rule('pod.terminationGracePeriodSeconds', atLeast(stopSeconds, Number), { unset: '30' }),
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
    rule('container.volumeMounts.mountPath', noneOf(APP), {
      why: `the volume at ${APP} hides the application`,
      hint: 'Write to another directory.',
    }),
    ['pod', 'container'].map((holder) => [
      rule(`${holder}.securityContext.runAsUser`, noneOf('0'), { why: AS_ROOT }),
      rule(`${holder}.securityContext.runAsNonRoot`, noneOf('false'), { why: AS_ROOT }),
    ]),
    rule('container.securityContext.privileged', noneOf('true'), { why: 'the program has all rights on the node' }),
    nameRules(deployment),
    budgetRules(file),
    scrapingRules(pod),
    commandRules(deployment, file),
    environment(pod),
    resources(pod),
    ports.length > 0 && '          ports:',
    ...ports.map(({ name, port }) => `            - { name: ${name}, containerPort: ${port} }`),
    portRules(pod),
    written.map((path) => [mounted(path), rule(READ_ONLY, isWritable(path), { why: `${path} is written to` })]),
    stopRules(deployment),
    ...probes(pod),
    PROBES.map((kind) => probeRules(kind, pod)),
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

/** Returns the settings of a manifest. An API that the image opens keeps its address: words have precedence over variables. */
function settings({ apis }: Deployment, file: readonly Entry[]): ReturnType<typeof settingsIn> {
  const { env, set } = settingsIn(file);
  const opened = wordsIn(file) === undefined ? apis.filter(isHidden) : [];
  const fixed = opened.flatMap(({ name }) =>
    ['listen', 'port', 'listen_port'].map((opt) => variableOf({ group: `api:${name}`, opt })),
  );
  return { env: Object.fromEntries(Object.entries(env).filter(([name]) => !fixed.includes(name))), set };
}

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

/** Returns rules for the name of the Deployment, if it was asked for, and for selectors: without a pod a Service has nothing to send to. */
function nameRules({ name, isNamed }: Deployment): Lines {
  const finds: Fits = (value, _, file) =>
    value === '' || file.some((each) => each.key === 'label' && each.value === value);
  return [
    isNamed && rule('Deployment.name', oneOf('', name), { why: `--name is ${name}`, hint: `Write: name: ${name}` }),
    ['Deployment', 'Service', 'PodDisruptionBudget'].map((kind) =>
      rule(`${kind}.selector`, finds, {
        why: 'no pod of this file has it',
        hint: 'Write the labels of the pod template.',
      }),
    ),
  ];
}

/** Returns rules for a budget that permits no eviction, so that no node can be drained. */
function budgetRules(file: readonly Entry[]): Lines {
  const replicas = Number(lastOf(file, 'Deployment.replicas') || Number.NaN);
  const [why, hint] = ['no pod may be evicted, so no node of a pod can be drained', 'Write: maxUnavailable: 1'];
  return [
    rule('PodDisruptionBudget.maxUnavailable', noneOf('0', '0%'), { why, hint }),
    rule('PodDisruptionBudget.minAvailable', (value) => value !== '100%' && !(Number(value) >= replicas), {
      why,
      hint,
    }),
  ];
}

/** Returns rules for what tells Prometheus where the metrics are. */
function scrapingRules({ deployment, probed }: Pod): Lines {
  const at = (name: string): string => `annotation.prometheus.io/${name}`;
  const ports = probed.map(({ port }) => port);
  const isScraped = (file: readonly Entry[]): boolean =>
    lastOf(file, at('scrape')) === 'true' || file.some(({ key }) => key === 'PodMonitor.port');
  const isCounted: Fits = (_value, _wanted, file) =>
    deployment.counts || !isScraped(file) || isUnknown(file, METRICS_ENABLED);
  const isServed: Fits = (value, _, file) => !isScraped(file) || oneOf('', ...ports)(value, '', file);
  return [
    rule('container.env', isCounted, {
      why: 'metrics are scraped and not enabled',
      hint: `Set ${METRICS_ENABLED} in env: "true".`,
    }),
    [at('port'), 'PodMonitor.port'].map((key) =>
      rule(key, isServed, {
        why: 'no metrics are there',
        hint:
          ports.length === 0
            ? `Set ${METRICS_LISTEN} in env, such as "0.0.0.0:9101".`
            : `They are on port ${ports.join(', ')}.`,
      }),
    ),
    rule(at('path'), oneOf('', '/metrics'), { why: 'no metrics are there', hint: 'Write: /metrics' }),
  ];
}

/** Returns rules for words that replace those of the image, with which an API on loopback is opened. */
function commandRules({ apis, folder }: Deployment, file: readonly Entry[]): Lines {
  const all = wordsIn(file);
  if (all === undefined) return [];
  const given = file.filter(({ key }) => key === 'container.command' || key === 'container.args');
  const opens = apis.filter(isHidden).filter(({ name }) => {
    const [word, variable] = opensApi(name);
    return !all.includes(word!) && !file.some(({ key }) => key === `container.env.${variable}`);
  });
  // Options alone are for the program that the image starts.
  const isOurs = startsProgram(all) || (all.startsWith('-') && entryPointStarts(folder) !== false);
  const getsSignals = !hidesSignals(all);
  return [
    rule(given[0]!.key, () => isOurs || !getsSignals, {
      why: OTHER_PROGRAM,
      hint: 'Write the words of CMD in the Dockerfile.',
    }),
    rule(given[0]!.key, () => getsSignals, {
      why: NO_SIGNALS,
      hint: 'Write the words of the program alone, or exec before it in a script.',
    }),
    isOurs &&
      opens.map(({ name }) =>
        rule(given.at(-1)!.key, never, {
          why: `the image opens ${name} with words that this replaces: it listens on loopback, which no Service reaches`,
          hint: `Add --set and "api:${name}.listen=0.0.0.0".`,
        }),
      ),
  ];
}

const NO_SIGNALS = 'a shell or a package manager does not forward TERM, so requests are cut off after the grace period';

/** Reports whether words start the program below a package manager, or below a shell that stays: one with several commands, without `exec`. */
function hidesSignals(words: string): boolean {
  const [, script] = /(?:^|[\s/])(?:da|a)?sh\s+-\w*c\s+(.*)$/s.exec(words) ?? [];
  if (script === undefined)
    return /^(?:\S*(?:tini|dumb-init)\s+(?:-\S*\s+)*)?(?:\S*\/)?(?:npm|npx|yarn|pnpm)\s/.test(words);
  const commands = script.split(/&&|\|\||[;|\n]/).filter((each) => each.trim() !== '');
  const last = commands.at(-1)?.trim() ?? '';
  return (commands.length > 1 && !last.startsWith('exec ')) || /^(?:exec\s+)?(?:npm|npx|yarn|pnpm)\s/.test(last);
}

const AS_ROOT = 'the program may run as root';

/** Returns the rule for a path that is written to: a volume must be at it, or above it, if all else is read-only. */
function mounted(path: string): Rule {
  const isCovered: Fits = (value, _, file) =>
    lastOf(file, 'container.securityContext.readOnlyRootFilesystem') !== 'true' ||
    value === path ||
    below(value, path) !== undefined;
  return rule('container.volumeMounts.mountPath', isCovered, {
    unset: undefined,
    isOne: true,
    why: `${path} is written to, and no volume is there`,
    hint: `Mount a volume at ${path}.`,
  });
}

/** Fits a read-only volume that is not the one with this path. */
const isWritable =
  (path: string): Fits =>
  (value, _, file) => {
    const above = file.flatMap(({ key, value: at }) =>
      key === 'container.volumeMounts.mountPath' && (at === path || below(at, path) !== undefined) ? [at] : [],
    );
    return value !== above.sort((a, b) => b.length - a.length)[0];
  };

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

function resources({ deployment, isOneProcess }: Pod): Lines {
  if (isOneProcess)
    return resourceLines(1, [WORKER_MIB, 2 * WORKER_MIB], WORKER_MIB, `one process needs ${WORKER_MIB}Mi`);
  const { maxMemory } = deployment;
  const workers = workersOf(deployment);
  const least = mostMemory(deployment, maxMemory / MIB);
  const most = mostMemory(deployment, maxMemory === 0 ? 2 * WORKER_MIB : maxMemory / MIB);
  const usual = Math.min(most, PARENT_MIB + workers * WORKER_MIB);
  return maxMemory === 0
    ? resourceLines(
        workers,
        [usual, most],
        usual,
        `a parent and ${countText(workers, 'worker')} need ${usual}Mi, and without max_memory they may grow beyond any limit`,
      )
    : resourceLines(
        workers,
        [usual, most],
        least,
        `${countText(workers, 'worker')} of max_memory need ${least}Mi in a reload`,
      );
}

/** `memory`: MiB of the request and of the limit; `least`: of the limit of another manifest, and why. */
function resourceLines(processes: number, [usual, most]: readonly [number, number], least: number, why: string): Lines {
  return [
    '          # Starting values; measure. A CPU limit would delay requests while processors are idle.',
    '          resources:',
    `            requests: { cpu: ${processes * 250}m, memory: ${usual}Mi }`,
    `            limits: { memory: ${most}Mi }`,
    rule('container.resources.limits.memory', atLeast(least, mibOf), { why }),
  ];
}

const MIB = 2 ** 20;

/** Suffixes of quantities in Kubernetes; `m` is a thousandth, which is a slip in place of `M` or `Mi`. */
const SUFFIXES: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: MIB,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Returns a quantity in MiB; NaN for another unit. */
function mibOf(value: string): number {
  const [, number, unit = ''] = /^([\d.]+(?:e\d+)?)(m|k|[MGT]|[KMGT]i)?$/.exec(value) ?? [];
  return (Number(number) * (SUFFIXES[unit] ?? 1)) / MIB;
}

// Variables that a pod needs beside its configuration, and the times of its stop.

const METRICS_ENABLED = variableOf({ group: 'metrics', opt: 'enabled' });
const DRAIN = variableOf({ group: 'DEFAULT', opt: 'drain_delay' });

/** Seconds in which Services of a cluster still send to a pod that stops: five, and one for requests on their way. */
const LEAVES_SECONDS = 6;

/** Returns variables for what a pod needs and the configuration does not set. */
function environment({ deployment, opened, isOneProcess }: Pod): Lines {
  const { drainSeconds, mostDrainSeconds, unset, additions, counts } = deployment;
  const drain = Math.min(LEAVES_SECONDS, mostDrainSeconds);
  const leaves: Fits = (_value, _wanted, file) =>
    drainSeconds > 0 || isUnknown(file, DRAIN) || preStopSeconds(file) > 0;
  const leavesRule = rule('container.env', leaves, {
    why: 'a pod that stops refuses connections while Services still send to it: it has neither drain_delay nor preStop',
    hint: `Set ${DRAIN} in env: "${drain}".`,
  });
  const fitsRule = rule(`container.env.${DRAIN}`, (value) => !(Number(value) > mostDrainSeconds), {
    why: 'it leaves less than half of graceful_shutdown_timeout for requests',
    hint: `Set at most ${mostDrainSeconds}, or a longer graceful_shutdown_timeout.`,
  });
  const variables = [
    ...(drainSeconds > 0
      ? []
      : [
          '            # Services send to a pod for some seconds after its TERM: it serves until they no longer do.',
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
          '            # Without it the number of workers follows the processors of the node; replicas scale a Deployment.',
          ...unset.map(({ name }) => variable(variableOf({ group: `api:${name}`, opt: 'workers' }), 1)),
        ]),
    ...(additions.has('scraping') && !counts ? [variable(METRICS_ENABLED, 'true')] : []),
    ...(opened === undefined
      ? []
      : [
          '            # For probes of all APIs together, and for Prometheus; status and configuration are not served there.',
          variable(METRICS_LISTEN, `0.0.0.0:${opened}`),
        ]),
  ];
  const follows = unset.map(({ name }) => {
    const workers = variableOf({ group: `api:${name}`, opt: 'workers' });
    const isLimited: Fits = (_value, _wanted, file) =>
      isOneProcess || isUnknown(file, workers) || lastOf(file, 'container.resources.limits.cpu') !== '';
    return rule('container.env', isLimited, {
      why: `the number of workers of ${name} follows the processors of the node`,
      hint: `Set ${workers} in env: "1".`,
    });
  });
  return [variables.length > 0 && '          env:', ...variables, leavesRule, fitsRule, follows];
}

const variable = (name: string, value: number | string): string => `            - { name: ${name}, value: "${value}" }`;

/** Returns the number of workers in a pod: one for each API that does not set it. */
const workersOf = ({ workers, unset }: Deployment): number =>
  unset.reduce((sum, api) => sum - api.workers + 1, workers);

/** Returns the rule for `preStop`: it comes before TERM, and the grace period must be long enough for both. */
function stopRules({ stopSeconds }: Deployment): Lines {
  const leavesEnough: Fits = (_value, _wanted, file) => {
    const grace = Number(lastOf(file, 'pod.terminationGracePeriodSeconds') || 30);
    return stopSeconds === undefined || grace >= stopSeconds + preStopSeconds(file) || preStopSeconds(file) === 0;
  };
  return [
    rule('container.lifecycle.preStop', leavesEnough, {
      why: `the grace period includes it, and the stop after it needs ${stopSeconds} s`,
      hint: `Set terminationGracePeriodSeconds to ${stopSeconds} plus the seconds of preStop, or remove preStop: drain_delay does the same.`,
    }),
  ];
}

/** Returns the seconds that a container sleeps before TERM, as far as they can be read; 0: none. */
function preStopSeconds(file: readonly Entry[]): number {
  const at = 'container.lifecycle.preStop';
  const command = file.flatMap(({ key, value }) => (key === `${at}.exec.command` ? value : [])).join(' ');
  const [, seconds] = /\bsleep\s+([\d.]+)/.exec(command) ?? [];
  return Number(lastOf(file, `${at}.sleep.seconds`) || (seconds ?? 0));
}
