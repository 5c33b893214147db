/** Facts of an application for its deployment, from its configuration. */
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeclaredFactory } from '../../app/index.js';
import type { Config, Option } from '../../config/index.js';
import { camelCase, givesAway, isLoopback, programLogOptions } from '../../config/internal.js';
import { metricsOptions } from '../../counts/index.js';
import { locationInFile } from '../../errors/index.js';
import { sectionKey } from '../../ini/index.js';
import { launcherOptions } from '../../launch/internal.js';
import type { ContextTree } from '../../loader/index.js';
import { mountedApps } from '../../loader/internal.js';
import { configuredRegistry } from '../../managers/index.js';
import { packageOf } from '../../modules/index.js';
import { adminOptions, controlOptions } from '../../operating/internal.js';
import { enteredFolder } from '../../process/index.js';
import {
  clientAuthOf,
  namesIn,
  type PlannedApi,
  serviceOptions,
  sslSettings,
  wsgiOptions,
} from '../../server/internal.js';
import type { ApiFacts, ApplicationFacts, ListenAddress, ListenerFacts } from '../../service/index.js';
import { formatAddress, isOneProcess, isWildcard } from '../../service/internal.js';
import type { ConfigurationArguments } from '../command-line.js';
import { registerBundledOptions } from '../configured/bundled-options.js';
import { registerNamed } from '../configured/configuration.js';
import { chosenApis, loaderOf } from '../validate/api-routers.js';
import { writtenPaths } from './written-paths.js';

/** Returns the facts of an application; imports the filters of the pipelines to find the health checks. `args`: name the configuration. */
export async function applicationFacts(config: Config, args: ConfigurationArguments): Promise<ApplicationFacts> {
  const { listen, metricsListen } = config.group('admin', adminOptions, { partial: true });
  const apis: ApiFacts[] = [];
  const trees: ContextTree[] = [];
  for (const api of await chosenApis(config, undefined)) {
    const tree = api.pasteFile === undefined ? undefined : await loaderOf(api, config).tree(api.pipeline);
    apis.push(await apiFacts(api, config, tree));
    if (tree !== undefined) trees.push(tree);
  }
  const bundled = config.copy();
  await registerBundledOptions(bundled);
  registerNamed(bundled);
  const registry = await configuredRegistry(config);
  return {
    apis,
    services: namesIn(config).services.map((name) => {
      const { workers } = config.group(`service:${name}`, serviceOptions, { partial: true });
      return { name, workers };
    }),
    isOneProcess: isOneProcess(config),
    admin: listen && listenerFacts(listen),
    metrics: metricsListen && listenerFacts(metricsListen),
    program: programPath(),
    enteredFolder: enteredFolder(),
    arguments: argumentsOf(bundled, args),
    variables: config.variables,
    files: [...config.configFiles, ...config.filesRead],
    writtenPaths: (statePath) => writtenPaths(config, apis, statePath, registry),
    databases: databases(bundled, trees),
    secretFiles: secretFiles(bundled, trees),
    secrets: writtenSecrets(bundled),
    options: optionsOf(config),
  };
}

function optionsOf(config: Config): ApplicationFacts['options'] {
  const launcher = config.group('DEFAULT', launcherOptions, { partial: true });
  const wsgi = config.group('wsgi', wsgiOptions, { partial: true });
  return {
    logFormat: config.group('DEFAULT', programLogOptions, { partial: true }).logFormat,
    gracefulShutdownTimeout: launcher.gracefulShutdownTimeout,
    drainDelay: launcher.drainDelay,
    workerTimeout: launcher.workerTimeout,
    maxMemory: launcher.maxMemory ?? 0,
    maxConnections: wsgi.maxConnections,
    keepAliveTimeout: wsgi.keepAlive ? wsgi.keepAliveTimeout : 0,
    clientSocketTimeout: wsgi.clientSocketTimeout,
    countsMetrics: config.group('metrics', metricsOptions, { partial: true }).enabled,
    controlSocket: config.group('control', controlOptions, { partial: true }).socket,
  };
}

function listenerFacts(address: ListenAddress): ListenerFacts {
  if ('path' in address) return { address, connect: formatAddress(address), isLocal: true };
  const host = isWildcard(address.host) ? '127.0.0.1' : address.host;
  return { address, connect: formatAddress({ host, port: address.port }), isLocal: isLoopback(address.host) };
}

async function apiFacts(api: PlannedApi, config: Config, tree: ContextTree | undefined): Promise<ApiFacts> {
  const { name, usesTls, workers, addresses } = api;
  const needsCertificate = usesTls && clientAuthOf(sslSettings(config, name)) === 'required';
  return {
    name,
    ...listenerFacts(addresses[0]!),
    usesTls,
    needsCertificate,
    health: tree && !needsCertificate ? await healthPath(tree, config) : undefined,
    workers,
    setsWorkers: config.getLocation(`api:${name}`, 'workers').kind !== 'default',
  };
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

/** Returns `main.js` of this package, through the links by which the working directory was entered. */
function programPath(): string {
  const { folder, manifest } = packageOf(fileURLToPath(import.meta.url))!;
  const main = join(folder, (manifest.bin as Record<string, string>)['api-cli']!);
  return main.startsWith(`${process.cwd()}/`) ? join(enteredFolder(), relative(process.cwd(), main)) : main;
}

function argumentsOf(config: Config, args: ConfigurationArguments): ApplicationFacts['arguments'] {
  const from = enteredFolder();
  const path = (option: string, value: string) => ({
    option,
    value: resolve(from, value),
    shown: resolve(from, value),
  });
  const dirs = (args.configDir ?? []).map((dir) => path('--config-dir', dir));
  const isInside = (file: string): boolean => dirs.some(({ value }) => value === dirname(resolve(from, file)));
  const files = args.configFile ?? config.configFiles.filter((file) => !isInside(file));
  return [
    ...files.map((file) => path('--config-file', file)),
    ...dirs,
    ...(args.set ?? []).map((value) => ({
      option: '--set',
      value,
      shown: config.maskArguments(['--set', value])[1]!,
    })),
  ];
}

/** Returns the options whose values name a file of SQLite: of the configuration, those of the application too, and of sections of the paste files. */
function databases(config: Config, trees: readonly ContextTree[]): ApplicationFacts['databases'] {
  const nodes = trees.flatMap(nodesOf);
  const isFile = (value: unknown): boolean => typeof value === 'string' && value.startsWith('sqlite:///');
  /** Reports whether each section of the paste files that could take the value from the configuration has its own. */
  const isShadowed = (group: string, opt: string): boolean => {
    const readers = nodes.filter((node) => sectionKey(declaredBy(node).group ?? '') === group);
    return readers.length > 0 && readers.every(({ options }) => options.has(opt));
  };
  const named = config
    .resolveAll()
    .flatMap(({ group, opt, value, location }) =>
      isFile(value) && !isShadowed(group, opt) ? [{ group, opt, location }] : [],
    );
  const ofSections = nodes.flatMap((node) => {
    const values = valuesOf(node, config);
    return [...node.options].flatMap(([opt, { value, origin }]) =>
      origin !== undefined && isFile(values[camelCase(opt)] ?? value)
        ? [{ group: origin.section ?? node.name, opt, location: locationInFile(origin) }]
        : [],
    );
  });
  // Two APIs may have an app in common.
  return [...named, ...new Map(ofSections.map((each) => [each.location.detail, each])).values()];
}

/** Returns the files that options of the configuration and of sections of the paste files name, and that others must not read. */
function secretFiles(config: Config, trees: readonly ContextTree[]): string[] {
  const named = config.resolveAll().flatMap(({ option, value }) => (isSecretFile(option) ? [value] : []));
  const ofSections = trees.flatMap(nodesOf).flatMap((node) => {
    const values = valuesOf(node, config);
    const options = Object.entries(declaredBy(node).options ?? {});
    return options.flatMap(([opt, option]) => (isSecretFile(option) ? [values[camelCase(opt)]] : []));
  });
  const paths = [...named, ...ofSections].filter((path) => typeof path === 'string' && path !== '');
  return [...new Set(paths.map((path) => resolve(path as string)))];
}

/** Returns the options that the factory of a section declares, and their group; neither for a function. */
const declaredBy = ({ resolved }: ContextTree): Partial<DeclaredFactory> => resolved ?? {};

/** Returns the values of these options, of the section or of the configuration. */
function valuesOf(node: ContextTree, config: Config): Readonly<Record<string, unknown>> {
  const { group, options } = declaredBy(node);
  if (group === undefined || options === undefined) return {};
  return config.group(group, options, { local: node.options, partial: true });
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

function writtenSecrets(config: Config): ApplicationFacts['secrets'] {
  return config.resolveAll().flatMap(({ group, opt, option, value, location }) => {
    const file = location.kind === 'file' ? location.origin?.file : undefined;
    if (file === undefined || value === undefined || !givesAway(option, option.format(value))) return [];
    return [{ group, opt, file: resolve(file) }];
  });
}
