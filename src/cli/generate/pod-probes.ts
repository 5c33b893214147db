/**
 * Ports and probes of a pod: of its APIs, and of the listener that kubelets and Prometheus ask.
 */

import { type Entry, type Fits, type Lines, lastOf, listsPorts, oneOf, rule } from './compare.js';
import { type Deployment, openPorts, portOf, schemeOf } from './deployment.js';
import { isUnknown } from './manifest.js';
import { variableOf } from './written-paths.js';

/** The option that opens a listener for probes and metrics. */
export const METRICS_LISTEN = variableOf({ group: 'admin', opt: 'metrics_listen' });

/** A deployment with the listeners of the pod. */
export interface Pod {
  readonly deployment: Deployment;
  /** Ports of listeners for probes: those that the configuration opens to other machines, or else one that the manifest opens. */
  readonly probed: ReturnType<typeof openPorts>;
  /** The port that the manifest opens; undefined if it opens none. */
  readonly opened: number | undefined;
  /** True if one process serves all APIs, without workers. */
  readonly isOneProcess: boolean;
}

/** The option that a pod without workers sets to 0. */
export const WORKERS = variableOf({ group: 'DEFAULT', opt: 'workers' });

/** Returns the pod of a deployment. `file`: an existing manifest, which may open a port with a value that is not in it; empty for a new one. */
export function podOf(deployment: Deployment, file: readonly Entry[]): Pod {
  const probed = openPorts(deployment);
  const isOneProcess = deployment.isOneProcess || deployment.additions.has('one-process');
  if (probed.length > 0) return { deployment, probed, opened: undefined, isOneProcess };
  const asked = PROBES.flatMap((kind) => Number(lastOf(file, `container.${kind}.httpGet.port`)) || []);
  const taken = deployment.apis.map(portOf);
  let free = 9101;
  while (taken.includes(free)) free += 1;
  const given = isUnknown(file, METRICS_LISTEN) ? asked.find((port) => !taken.includes(port)) : undefined;
  const opened = file.length > 0 ? given : free;
  const ports = opened === undefined ? [] : [{ name: 'metrics' as const, port: opened }];
  return { deployment, probed: ports, opened, isOneProcess };
}

/** Returns ports that are reachable from outside, each with a service name (RFC 6335 §5.1). */
export function portsOf({ deployment, probed }: Pod) {
  const ports = deployment.apis.flatMap((api) => {
    const port = portOf(api);
    const name = api.name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-/, '')
      .slice(0, 15)
      .replace(/-$/, '');
    return port === undefined ? [] : [{ name: /[a-z]/.test(name) ? name : `api-${port}`, port, isProbed: false }];
  });
  return [...ports, ...probed.map((each) => ({ ...each, isProbed: true }))];
}

interface Probe {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly port: number;
  readonly ready: string;
  readonly live: string;
}

/** Returns all probes: for all APIs together, then the health checks of single ones. */
function probesOf({ deployment, probed }: Pod): Probe[] {
  const own = deployment.apis.flatMap((api): Probe[] => {
    const [port, { health }] = [portOf(api), api];
    if (port === undefined || health === undefined) return [];
    return [{ scheme: schemeOf(api) === 'https' ? 'HTTPS' : 'HTTP', port, ready: health, live: `${health}/live` }];
  });
  return [...probed.map(({ port }): Probe => ({ scheme: 'HTTP', port, ready: '/readyz', live: '/healthz' })), ...own];
}

export const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'];

export function probes(pod: Pod): string[] {
  const [probe] = probesOf(pod);
  if (probe === undefined) return [];
  const get = (path: string): string =>
    `httpGet: { path: ${scalar(path)}, port: ${probe.port}, scheme: ${probe.scheme} }`;
  const [ready, live] = [get(probe.ready), get(probe.live)];
  return [
    `          startupProbe: { ${ready}, periodSeconds: 1, failureThreshold: 60 }`,
    `          readinessProbe: { ${ready}, periodSeconds: 5, timeoutSeconds: 2 }`,
    pod.isOneProcess
      ? '          # A stuck process ends by itself after worker_timeout; this probe restarts the container in any case.'
      : '          # The parent replaces a stuck worker; this probe restarts the whole container.',
    `          livenessProbe: { ${live}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }`,
  ];
}

/** Returns a path as YAML. */
export const scalar = (path: string): string => (/^[\w./-]+$/.test(path) ? path : JSON.stringify(path));

/** Returns rules for the ports of the container and of Services, and for the container itself. */
export function portRules(pod: Pod): Lines {
  const ports = portsOf(pod).map(({ port }) => port);
  return [
    rule('YAML', oneOf(''), { why: 'the file cannot be read', hint: 'Correct this line or the one before it.' }),
    rule('container', (_value, _wanted, file) => file.some(({ key }) => ['container', 'YAML'].includes(key)), {
      why: 'the file has no pod template with a container',
    }),
    listsPorts('container.ports.containerPort', ports),
    rule('Service.targetPort', oneOf('', ...ports), { why: 'it is not a port of the container' }),
  ];
}

/** Returns rules for the port that a probe asks, and for the path that it asks of a port that is served. */
export function probeRules(kind: string, pod: Pod): Lines {
  const at = `container.${kind}.httpGet`;
  const isServed = oneOf('', ...portsOf(pod).map(({ port }) => port));
  const known = probesOf(pod).flatMap(({ scheme, port, ready, live }) =>
    [ready, live, `${ready}/ready`].map((path) => `${scheme} ${path} on port ${port}`),
  );
  const isKnown: Fits = (path, _, file) => {
    const port = lastOf(file, `${at}.port`);
    return (
      !isServed(port, '', file) || known.includes(`${lastOf(file, `${at}.scheme`) || 'HTTP'} ${path} on port ${port}`)
    );
  };
  const isThere: Fits = (_value, _wanted, file) => file.some(({ key }) => key === `container.${kind}`);
  // Health checks of an API have other paths than these, or one for both.
  const misused = kind === 'livenessProbe' ? /^\/readyz$|\/ready$/ : /^\/healthz$|\/live$/;
  return [
    kind !== 'startupProbe' &&
      rule(`${at}.path`, (path) => !misused.test(path), {
        why:
          kind === 'livenessProbe'
            ? 'it restarts pods that only are not ready'
            : 'it is 200 before the pod serves, and while it stops',
        hint: probes(pod)
          .find((line) => line.includes(kind))
          ?.trim(),
      }),
    portsOf(pod).length > 0 &&
      kind !== 'startupProbe' &&
      rule(`container.${kind}`, isThere, {
        why: kind === 'readinessProbe' ? 'a pod gets requests before it serves' : 'nothing restarts a stuck container',
        hint:
          probes(pod)
            .find((line) => line.includes(kind))
            ?.trim() ??
          `Set ${METRICS_LISTEN} in env, such as "0.0.0.0:9101", and let it ask /readyz or /healthz there.`,
      }),
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
