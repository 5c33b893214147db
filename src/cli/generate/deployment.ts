/**
 * Facts of a configuration for deployment files.
 */
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeclaredFactory } from '../../app/index.js';
import type { Config, Option } from '../../config/index.js';
import { camelCase, givesAway, programLogOptions, UsageError } from '../../config/internal.js';
import { metricsOptions } from '../../counts/index.js';
import { PorticoError } from '../../errors/index.js';
import { launcherOptions } from '../../launch/internal.js';
import type { ContextTree } from '../../loader/index.js';
import { mountedApps } from '../../loader/internal.js';
import { configuredRegistry } from '../../managers/index.js';
import { packageOf } from '../../modules/index.js';
import { adminOptions, controlOptions, isLoopback } from '../../operating/internal.js';
import { enteredFolder } from '../../process/index.js';
import {
  clientAuthOf,
  isOneProcess,
  namesIn,
  type PlannedApi,
  serviceOptions,
  sslSettings,
  wsgiOptions,
} from '../../server/internal.js';
import type { ListenAddress } from '../../service/index.js';
import type { ConfigurationArguments } from '../command-line.js';
import { registerBundledOptions } from '../configured/bundled-options.js';
import { registerNamed } from '../configured/configuration.js';
import { chosenApis, loaderOf } from '../validate/api-routers.js';
import { variableOf, writtenPaths } from './written-paths.js';

/** One API, with its address for balancers and probes. */
export interface DeployedApi {
  readonly name: string;
  readonly address: ListenAddress;
  readonly tls: boolean;
  /** True if it refuses clients without a certificate. */
  readonly needsCertificate: boolean;
  /** Path of its health check, if its pipeline has one that probes, which have no certificate, can reach. */
  readonly health: string | undefined;
}

/** A configuration from the point of view of the tools that start, stop, probe and forward to the application. */
export type Deployment = Awaited<ReturnType<typeof deploymentOf>>;

/** Parts of a manifest that are printed when they are asked for. */
export const ADDITIONS = ['scraping', 'one-process'] as const;
export type Addition = (typeof ADDITIONS)[number];

/** Returns the name of the unit of `generate systemd`, for related files. */
export const serviceUnit = ({ name }: Deployment): string => `${name}.service`;

/** Returns the first line of a file; `deployment`: for a kind whose check needs the name that `--name` gave. */
export function writtenBy(kind: string, deployment?: Deployment): string {
  const named = deployment?.isNamed ? ` --name ${deployment.name}` : '';
  const command = `api-cli generate ${kind}${named}`;
  const check = /^(?:systemd|socket|kubernetes)$/.test(kind) ? `${command} --check FILE` : `${command} | diff FILE -`;
  return `# Written by api-cli generate ${kind}. Check it with: ${check}`;
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

/** Returns the {@link Deployment}; imports the filters of the pipelines to find the health checks. */
export async function deploymentOf(
  config: Config,
  args: ConfigurationArguments & { readonly api?: string; readonly name?: string; readonly with?: readonly Addition[] },
) {
  const {
    gracefulShutdownTimeout: stop,
    drainDelay,
    workerTimeout,
    maxMemory = 0,
  } = config.group('DEFAULT', launcherOptions, { partial: true });
  const { logFormat } = config.group('DEFAULT', programLogOptions, { partial: true });
  const { maxConnections, keepAlive, keepAliveTimeout, clientSocketTimeout } = config.group('wsgi', wsgiOptions, {
    partial: true,
  });
  const { listen, metricsListen } = config.group('admin', adminOptions, { partial: true });
  const [first] = await chosenApis(config, undefined);
  const apis = await chosenApis(config, args.api);
  const { folder, manifest } = packageOf(fileURLToPath(import.meta.url))!;
  const main = join(folder, (manifest.bin as Record<string, string>)['api-cli']!);
  const entered = enteredFolder();
  const state = config.resolve('DEFAULT', 'state_path');
  const deployed: DeployedApi[] = [];
  const trees: ContextTree[] = [];
  for (const api of apis) {
    const tree = api.pasteFile === undefined ? undefined : await loaderOf(api, config).tree(api.pipeline);
    deployed.push(await deployedApi(api, config, tree));
    if (tree !== undefined) trees.push(tree);
  }
  const bundled = config.copy();
  await registerBundledOptions(bundled);
  registerNamed(bundled);
  const { services } = namesIn(config);
  const registry = await configuredRegistry(config);
  return {
    /** Name of the unit, the Deployment and the image: two on a machine or in a namespace must differ. */
    name: args.name ?? labelOf(first?.name ?? services[0] ?? 'portico'),
    /** True if `--name` gave it. */
    isNamed: args.name !== undefined,
    /** Parts that were asked for. */
    additions: new Set(args.with),
    /** `[metrics] enabled`. */
    counts: config.group('metrics', metricsOptions, { partial: true }).enabled,
    /** Working directory, without links; `entered`: with the links by which it was entered. */
    folder: process.cwd(),
    entered,
    /** `main.js` of this package. */
    main: main.startsWith(`${process.cwd()}/`) ? join(entered, relative(process.cwd(), main)) : main,
    words: wordsOf(bundled, args),
    /** Environment variables that set options. */
    variables: config.variables,
    apis: deployed,
    /** Names of the services in addition to the APIs. */
    services,
    /** `[DEFAULT] workers = 0`. */
    isOneProcess: isOneProcess(config),
    /** Number of workers of all of them. */
    workers: workersOf(config, apis, services),
    /** Those of APIs that do not set it: the number of processors of this machine each. */
    unset: apis.filter(({ name }) => config.getLocation(`api:${name}`, 'workers').kind === 'default'),
    /** `[DEFAULT] log_format`. */
    logFormat,
    /** Limit of each worker in bytes; 0: none. */
    maxMemory,
    /** Time limit of a graceful stop in seconds, including the kill; undefined: none. */
    stopSeconds: stop === 0 ? undefined : Math.ceil(stop) + KILL_SECONDS,
    /** `drain_delay` in seconds, and the longest that leaves half of the graceful stop for requests. */
    drainSeconds: drainDelay,
    mostDrainSeconds: stop === 0 ? Number.POSITIVE_INFINITY : stop / 2,
    workerTimeout,
    /** Number of descriptors that a worker needs. */
    descriptors: maxConnections + 64,
    /** Time that idle connections are kept; 0 if each ends with its response. */
    keepAlive: keepAlive ? keepAliveTimeout : 0,
    /** Time that a connection may be silent while its request is served; 0: no limit. */
    silence: clientSocketTimeout,
    /** Address of the admin listener. */
    admin: listen,
    /** Address of the listener for probes and metrics alone. */
    metrics: metricsListen,
    statePath: { path: resolve(String(state.value)), isDefault: state.location.kind === 'default' },
    /** Returns the paths that the application writes to, with a different `state_path`: options may refer to it. */
    writes: (statePath?: string) => writtenPaths(config, deployed, statePath, registry),
    /** `[control] socket`: undefined for a name derived from the configuration, empty for none. */
    control: config.group('control', controlOptions, { partial: true }).socket,
    /** Files that a start reads. */
    files: [...config.configFiles, ...config.filesRead],
    secretFiles: secretFiles(bundled, trees),
    secrets: writtenSecrets(bundled),
  };
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

function workersOf(config: Config, apis: readonly PlannedApi[], names: readonly string[]): number {
  const services = names.map((name) => config.group(`service:${name}`, serviceOptions, { partial: true }));
  return [...apis, ...services].reduce((sum, { workers }) => sum + workers, 0);
}

/** Returns the files that options of the configuration and of sections of the paste files name, and that others must not read. */
function secretFiles(config: Config, trees: readonly ContextTree[]): string[] {
  const named = config.resolveAll().flatMap(({ option, value }) => (isSecretFile(option) ? [value] : []));
  const ofSections = trees.flatMap(nodesOf).flatMap(({ resolved, options: local }) => {
    const { group, options } = (resolved ?? {}) as Partial<DeclaredFactory>;
    if (group === undefined || options === undefined) return [];
    const values = config.group(group, options, { local, partial: true });
    return Object.entries(options).flatMap(([opt, option]) => (isSecretFile(option) ? [values[camelCase(opt)]] : []));
  });
  const paths = [...named, ...ofSections].filter((path) => typeof path === 'string' && path !== '');
  return [...new Set(paths.map((path) => resolve(path as string)))];
}

/** Returns a node of a tree and all nodes below it. */
function nodesOf(node: ContextTree): ContextTree[] {
  const { filters = [], app, filter, next, children = [] } = node;
  const inside = [...filters, app, filter, next, ...children.map(({ context }) => context)];
  return [node, ...inside.flatMap((each) => (each === undefined ? [] : nodesOf(each)))];
}

/** Reports whether `check` warns about a path that all users may read. */
const isSecretFile = ({ type, spec }: Option<unknown>): boolean =>
  type === 'path' && typeof spec.mode === 'number' && (spec.mode & 0o004) === 0;

/** Returns the secrets in configuration files, `[group] option`, each with its environment variable. */
function writtenSecrets(config: Config) {
  return config.resolveAll().flatMap(({ group, opt, option, value, location }) => {
    const file = location.kind === 'file' ? location.origin?.file : undefined;
    if (file === undefined || value === undefined || !givesAway(option, option.format(value))) return [];
    return [{ option: `[${group}] ${opt}`, file: resolve(file), variable: variableOf({ group, opt }) }];
  });
}

/** Returns the ports of listeners for operators, probes and metrics that other machines can reach. */
export function openPorts({
  metrics,
  admin,
}: Deployment): { readonly name: 'metrics' | 'admin'; readonly port: number }[] {
  return (['metrics', 'admin'] as const).flatMap((name) => {
    const address = name === 'admin' ? admin : metrics;
    return address === undefined || isLoopback(address.host) ? [] : [{ name, port: address.port }];
  });
}

/** Returns the options that name the configuration, with absolute paths. */
function wordsOf(config: Config, args: ConfigurationArguments) {
  const from = enteredFolder();
  const dirs = (args.configDir ?? []).map((dir) => resolve(from, dir));
  const files = args.configFile ?? config.configFiles.filter((file) => !dirs.includes(dirname(resolve(from, file))));
  return [
    ...files.map((file) => ({ option: '--config-file', value: resolve(from, file) })),
    ...dirs.map((dir) => ({ option: '--config-dir', value: dir })),
    ...(args.set ?? []).map((value) => ({ option: '--set', value: publicSetting(config, value) })),
  ];
}

/** A deployment file has more readers than a configuration file, so it must contain no secret. */
function publicSetting(config: Config, setting: string): string {
  const [, shown] = config.maskArguments(['--set', setting]);
  if (shown === setting) return setting;
  throw new UsageError(
    `--set ${shown} is a secret or an option of the application, which cannot be in a deployment file`,
    'Write it in a configuration file.',
  );
}

async function deployedApi(
  { name, usesTls: tls, addresses }: PlannedApi,
  config: Config,
  tree: ContextTree | undefined,
): Promise<DeployedApi> {
  const address = addresses[0]!;
  const needsCertificate = tls && clientAuthOf(sslSettings(config, name)) === 'required';
  const health = tree && !needsCertificate ? await healthPath(tree, config) : undefined;
  return { name, address, tls, needsCertificate, health };
}

/** Returns the path of the first health check: a mounted app, or a filter. */
async function healthPath(tree: ContextTree, config: Config): Promise<string | undefined> {
  const { healthcheck, healthcheckFilter } = await import('../../middleware/index.js');
  const ownPath = ({ options }: ContextTree): string =>
    config.group('healthcheck', healthcheck.options, { local: options }).path;
  for (const { app, prefix, filters } of mountedApps(tree, config)) {
    const filter = filters.find(({ resolved }) => resolved === healthcheckFilter);
    const found = filter !== undefined ? prefix + ownPath(filter) : app.resolved === healthcheck ? prefix : undefined;
    const path = found === '' ? ownPath(app) : found;
    // A mount of a domain is of no use for probes, which use the address.
    if (path?.startsWith('/')) return path;
  }
  return undefined;
}

/** Returns the port of an API. Throws for one that uses any free port, which is unknown outside. */
export function portOf({ name, address }: DeployedApi): number | undefined {
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
export const schemeOf = ({ tls }: DeployedApi): string => (tls ? 'https' : 'http');
