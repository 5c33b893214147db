/**
 * Variables that a pod needs beside its configuration, and the times of its stop.
 */
import { type Entry, type Fits, type Lines, lastOf, rule } from './compare.js';
import type { Deployment } from './deployment.js';
import { METRICS_LISTEN, type Pod, WORKERS } from './pod-probes.js';
import { variableOf } from './written-paths.js';

const METRICS_ENABLED = variableOf({ group: 'metrics', opt: 'enabled' });
const DRAIN = variableOf({ group: 'DEFAULT', opt: 'drain_delay' });

/** Seconds in which Services of a cluster still send to a pod that stops: five, and one for requests on their way. */
const LEAVES_SECONDS = 6;

/** Returns variables for what a pod needs and the configuration does not set. */
export function environment({ deployment, opened, isOneProcess }: Pod): Lines {
  const { drainSeconds, mostDrainSeconds, unset, additions, counts } = deployment;
  const drain = Math.min(LEAVES_SECONDS, mostDrainSeconds);
  const leaves: Fits = (_value, _wanted, file) =>
    Number(lastOf(file, `container.env.${DRAIN}`) || drainSeconds) > 0 || preStopSeconds(file) > 0;
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
  return [variables.length > 0 && '          env:', ...variables, leavesRule, fitsRule];
}

const variable = (name: string, value: number | string): string => `            - { name: ${name}, value: "${value}" }`;

/** Returns the number of workers in a pod: one for each API that does not set it. */
export const workersOf = ({ workers, unset }: Deployment): number =>
  unset.reduce((sum, api) => sum - api.workers + 1, workers);

/** Returns the rule for `preStop`: it comes before TERM, and the grace period must be long enough for both. */
export function stopRules({ stopSeconds }: Deployment): Lines {
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
