/**
 * Ports and probes of a pod: of its APIs, and of the listener that kubelets and Prometheus ask.
 */

import { type Deployment, openPorts, portOf, schemeOf } from './deployment.js';
import { variableOf } from './moved-paths.js';

/** The option that opens a listener for probes and metrics. */
export const METRICS_LISTEN = variableOf({ group: 'admin', opt: 'metrics_listen' });

/** The option with which a pod serves on after SIGTERM. */
export const DRAIN = variableOf({ group: 'DEFAULT', opt: 'drain_delay' });

/** Seconds in which Services of a cluster still send to a pod that stops: five, and one for requests on their way. */
export const LEAVES_SECONDS = 6;

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

/** Returns the pod of a deployment. */
export function podOf(deployment: Deployment): Pod {
  const probed = openPorts(deployment);
  const isOneProcess = deployment.isOneProcess || deployment.additions.has('one-process');
  if (probed.length > 0) return { deployment, probed, opened: undefined, isOneProcess };
  const taken = deployment.apis.map(portOf);
  let opened = 9101;
  while (taken.includes(opened)) opened += 1;
  return { deployment, probed: [{ name: 'metrics', port: opened }], opened, isOneProcess };
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

/** Returns the probe of all APIs together, else of the first health check of one. */
function probeOf({ deployment, probed: [listener] }: Pod): Probe | undefined {
  if (listener !== undefined) return { scheme: 'HTTP', port: listener.port, ready: '/readyz', live: '/healthz' };
  const own = deployment.apis.flatMap((api): Probe[] => {
    const [port, { health }] = [portOf(api), api];
    if (port === undefined || health === undefined) return [];
    return [{ scheme: schemeOf(api) === 'https' ? 'HTTPS' : 'HTTP', port, ready: health, live: `${health}/live` }];
  });
  return own[0];
}

export function probes(pod: Pod): string[] {
  const probe = probeOf(pod);
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
