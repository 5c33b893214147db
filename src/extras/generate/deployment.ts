/**
 * An application from the point of view of the tools that start, stop, probe and forward to it.
 */
import { nearestOrAll, PorticoError, shellWord, UsageError } from 'portico/extension';
import type { ApiFacts, ApplicationFacts } from 'portico/service';

/** The facts of an application, and what was asked for. */
export interface Deployment extends Omit<ApplicationFacts, 'services'> {
  /** Name of the unit, the Deployment and the image: two on a machine or in a namespace must differ. */
  readonly name: string;
  /** The words of the command that chose the content: `['--api', 'compute']`. */
  readonly words: readonly string[];
  /** Parts that were asked for. */
  readonly additions: ReadonlySet<Addition>;
  /** Names of the services in addition to the APIs. */
  readonly services: readonly string[];
  /** Number of workers of all of them. */
  readonly workers: number;
  /** The APIs that do not set it. */
  readonly unset: readonly ApiFacts[];
  /** Working directory, without links. */
  readonly folder: string;
  /** Time limit of a graceful stop in seconds, including the kill; undefined: none. */
  readonly stopSeconds: number | undefined;
  /** The longest `drain_delay` that leaves half of the graceful stop for requests. */
  readonly mostDrainSeconds: number;
  /** Number of descriptors that a worker needs. */
  readonly descriptors: number;
}

/** Parts of a manifest that are printed when they are asked for. */
export const ADDITIONS = ['scraping', 'one-process'] as const;
export type Addition = (typeof ADDITIONS)[number];

/** Values of the options of the command that choose the content of a file. */
export interface DeploymentArguments {
  readonly api?: string;
  readonly name?: string;
  readonly with?: readonly Addition[];
}

/** Returns the name of the unit of `generate systemd`, for related files. */
export const serviceUnit = ({ name }: Deployment): string => `${name}.service`;

/** Returns the first line of a file: the command that prints it again. */
export function writtenBy(kind: string, { words }: Deployment): string {
  return `# Written by api-cli generate. To compare: ${['api-cli generate', kind, ...words].join(' ')} | diff FILE -`;
}

/** Returns a comment on variables that are not in the file and that its holder must set. */
export function variablesComment(holder: string, { variables }: Deployment): string[] {
  if (variables.length === 0) return [];
  return [`# Options are set by environment variables, which ${holder} must define: ${variables.join(' ')}`];
}

/** Stands for no limit in Kubernetes and nginx, which have no value for it. */
export const LONGEST_SECONDS = 86_400;

/** Time after the deadline: workers are killed after one second, and systemd's helper has two for the last messages. */
const KILL_SECONDS = 5;

/** Returns the {@link Deployment}. Throws a usage error for an API that is not enabled, and for a secret that it would contain. */
export function deploymentOf(facts: ApplicationFacts, args: DeploymentArguments): Deployment {
  const { apis, options } = facts;
  const services = facts.services.map(({ name }) => name);
  const stop = options.gracefulShutdownTimeout;
  refuseSecrets(facts);
  return {
    ...facts,
    name: args.name ?? labelOf(apis[0]?.name ?? services[0] ?? 'portico'),
    words: (['api', 'name', 'with'] as const).flatMap((option) =>
      [args[option] ?? []].flat().flatMap((value) => [`--${option}`, shellWord(value)]),
    ),
    additions: new Set(args.with),
    apis: args.api === undefined ? apis : [apiNamed(args.api, apis)],
    services,
    workers: [...apis, ...facts.services].reduce((sum, { workers }) => sum + workers, 0),
    unset: apis.filter(({ setsWorkers }) => !setsWorkers),
    folder: process.cwd(),
    stopSeconds: stop === 0 ? undefined : Math.ceil(stop) + KILL_SECONDS,
    mostDrainSeconds: stop === 0 ? Number.POSITIVE_INFINITY : stop / 2,
    descriptors: options.maxConnections + 64,
  };
}

function apiNamed(wanted: string, apis: readonly ApiFacts[]): ApiFacts {
  const found = apis.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = apis.map(({ name }) => name);
  throw new UsageError(`no enabled API is called "${wanted}"`, nearestOrAll(wanted, names, 'APIs'));
}

/** Returns a name as a label of DNS (RFC 1123 §2.1), for systemd, Kubernetes and registries of images. */
function labelOf(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 63)
    .replace(/-$/, '');
  return label || 'portico';
}

/** A deployment file has more readers than a configuration file, so it must contain no secret. */
function refuseSecrets({ arguments: given }: ApplicationFacts): void {
  const secret = given.find(({ value, shown }) => value !== shown);
  if (secret === undefined) return;
  throw new UsageError(
    `${secret.option} ${secret.shown} is a secret or an option of the application, which cannot be in a deployment file`,
    'Write it in a configuration file.',
  );
}

/** Returns the ports of listeners for operators, probes and metrics that other machines can reach. */
export function openPorts(deployment: Deployment): { readonly name: 'metrics' | 'admin'; readonly port: number }[] {
  return (['metrics', 'admin'] as const).flatMap((name) => {
    const { address, isLocal } = deployment[name] ?? {};
    return address === undefined || !('port' in address) || isLocal ? [] : [{ name, port: address.port }];
  });
}

/** Returns the port of an API. Throws for one that uses any free port, which is unknown outside. */
export function portOf({ name, address }: ApiFacts): number | undefined {
  if (!('port' in address)) return undefined;
  if (address.port !== 0) return address.port;
  throw new PorticoError('PORTICO_DEPLOYMENT_PORT', {
    message: `${name} has port 0: it listens on any free port`,
    hint: `Set port in [api:${name}].`,
  });
}

/** Returns the ports that are reachable from outside: those of the APIs, and of other listeners. */
export function portsOf(deployment: Deployment): readonly number[] {
  const ports = deployment.apis.flatMap((api) => portOf(api) ?? []);
  return [...new Set([...ports, ...openPorts(deployment).map(({ port }) => port)])];
}

/** Returns `http` or `https`. */
export const schemeOf = ({ usesTls }: ApiFacts): string => (usesTls ? 'https' : 'http');
