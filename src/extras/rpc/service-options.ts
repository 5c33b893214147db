/**
 * Options of an RPC service in code, checked before anything is created, and the names of its records, topics and options. Absent and null
 * mean the default; 0 and false are values.
 */
import { type Config, defineOptions, module } from 'portico/config';
import {
  type ApplicationLogger,
  ConfigurationRefused,
  checkOptions,
  commandName,
  createLogger,
  didYouMean,
  hostOf,
  type Logger,
  type LogOption,
  namedManager,
  OPTION_KINDS,
  type OptionKind,
  type PlannedSectionService,
  PorticoError,
  type ServiceSection,
} from 'portico/extension';
import type { Manager, ManagerContext, ManagerOption, ManagerSource, Registration } from 'portico/service';
import type { Serializer } from './message/serializer.js';
import { hasOsloNames, messagingSettings, notificationSettings } from './messaging-options.js';
import { wrongName } from './transport/route.js';
import type { Transport } from './transport/transport.js';

/** Options of `RPCService.create`. Times in seconds. */
export interface RPCServiceOptions {
  /** Name of this machine. Default: `[DEFAULT] host`. */
  readonly host?: string | null;
  /** Name of the process, unique on its host. Default: the name of the command. */
  readonly binary?: string | null;
  /** Topic of its calls. Default: the binary without its `<project>-`, or the whole binary without such a prefix. */
  readonly topic?: string | null;
  /** Option that names the topic if code does not; its default is `name`. */
  readonly topicOption?: ManagerOption | null;
  /**
   * One or several managers, the first of which is the main one. Default: `[DEFAULT] <topic>_manager`, else the entry of `managers` for the
   * binary.
   */
  readonly manager?: ManagerSource<ManagerContext> | readonly ManagerSource<ManagerContext>[] | null;
  /** Option that names the manager. Default: `[DEFAULT] <topic>_manager`. */
  readonly managerOption?: ManagerOption | null;
  /** Managers of an application, by binary. */
  readonly managers?: Readonly<Record<string, ManagerSource<ManagerContext>>>;
  /** Interval of heartbeats; 0: none. Default: `[DEFAULT] report_interval`. */
  readonly reportInterval?: number | null;
  /** Run periodic tasks. Default: `[DEFAULT] periodic_enable`. */
  readonly periodicEnable?: boolean | null;
  /** The first periodic tasks start after a random part of it; 0: at once. Default: `[DEFAULT] periodic_fuzzy_delay`. */
  readonly periodicFuzzyDelay?: number | null;
  /** Longest interval between two passes over the periodic tasks; 0: no passes. Default: until the next task is due. */
  readonly periodicIntervalMax?: number | null;
  /** Default: an empty configuration, in which every option has its default. */
  readonly config?: Config;
  /** Prefix of the binary's name. Default `portico`. */
  readonly project?: string;
  /** Version number of its code. Default 0. */
  readonly version?: number;
  /** Number of processes that run it. Default 1. */
  readonly workers?: number;
  /** Name for the launcher. Default: the binary. */
  readonly name?: string;
  /** Record in the service registry; null: none. Default: by `[servicegroup]`. */
  readonly registration?: Registration | null;
  /** Creates the context of a pass of periodic tasks: an administrator's request context. */
  readonly context?: () => unknown;
  /** A transport URL, or a transport that is not closed with the service. Default: `[rpc] transport_url`. */
  readonly transport?: string | Transport;
  /** Converts the application's own objects. Default: plain data only, and a `RequestContext`. */
  readonly serializer?: Serializer;
  /** Command line for the binary's name. Default: that of the process. */
  readonly argv?: readonly string[];
  /** Default: standard error. */
  readonly log?: LogOption;
}

const { flag: FLAG, text: TEXT, function: FUNCTION, object: OBJECT, list: LIST } = OPTION_KINDS;
const SECONDS: OptionKind = { noun: 'a number of seconds', has: (value) => typeof value === 'number' };

const LOG_METHODS = ['debug', 'info', 'warn', 'error', 'child'] as const;

/** Every option, with its kind of values. */
const KINDS: Readonly<Record<keyof RPCServiceOptions, OptionKind>> = {
  host: TEXT,
  binary: TEXT,
  topic: TEXT,
  topicOption: OBJECT,
  manager: {
    noun: 'an object, a class, a function or a name',
    has: (value) => ['string', 'function', 'object'].includes(typeof value),
  },
  managerOption: OBJECT,
  managers: OBJECT,
  reportInterval: SECONDS,
  periodicEnable: FLAG,
  periodicFuzzyDelay: SECONDS,
  periodicIntervalMax: SECONDS,
  config: OBJECT,
  project: TEXT,
  version: { noun: 'a whole number, 0 or more', has: (value) => Number.isInteger(value) && Number(value) >= 0 },
  workers: { noun: 'a whole number, 1 or more', has: (value) => Number.isInteger(value) && Number(value) >= 1 },
  name: { noun: 'a text of one character or more', has: (value) => TEXT.has(value) && value !== '' },
  registration: OBJECT,
  context: FUNCTION,
  transport: { noun: 'a URL or a transport', has: (value) => TEXT.has(value) || OBJECT.has(value) },
  serializer: OBJECT,
  argv: LIST,
  log: {
    noun: 'a Logger',
    has: (value) => LOG_METHODS.every((name) => typeof (value as Partial<ApplicationLogger>)[name] === 'function'),
    hint: 'Write log: createLogger(), log: pino(), or omit it.',
  },
};

/** Returns the log of a service. */
export function logOf({ log, config }: RPCServiceOptions & { readonly config: Config }): Logger {
  if (log == null) return config.log;
  return 'notice' in log && 'enabled' in log ? log : createLogger({ logger: log });
}

/**
 * Throws `PORTICO_RPC_OPTION` for an unknown option, with the nearest name, and for an invalid value; `PORTICO_MANAGER` for a list without
 * managers, `PORTICO_INVALID_INTERVAL` for a time below 0. Undefined and null are always valid.
 */
export function checkServiceOptions(options: RPCServiceOptions): void {
  checkOptions('PORTICO_RPC_OPTION', 'an RPC service', options, KINDS);
  if (Array.isArray(options.manager) && options.manager.length === 0) {
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: 'manager is a list without managers',
      hint: 'Pass one, or omit manager to use the configured one.',
    });
  }
  const { reportInterval, periodicFuzzyDelay, periodicIntervalMax } = options;
  for (const [name, seconds] of Object.entries({ reportInterval, periodicFuzzyDelay, periodicIntervalMax })) {
    if (seconds == null || seconds >= 0) continue;
    throw new PorticoError('PORTICO_INVALID_INTERVAL', {
      message: `${name} is ${seconds}: expected a number of seconds, 0 or more`,
      hint: 'Pass 0 to disable it, or null to use the configuration.',
    });
  }
}

/** Returns the settings of periodic tasks that the options contain; the configuration has the others. */
export function periodicOf(options: RPCServiceOptions) {
  const { periodicEnable, periodicFuzzyDelay, periodicIntervalMax, context } = options;
  return {
    ...(periodicEnable == null ? {} : { enable: periodicEnable }),
    ...(periodicFuzzyDelay == null ? {} : { fuzzyDelay: periodicFuzzyDelay }),
    ...(periodicIntervalMax == null ? {} : { intervalMax: periodicIntervalMax }),
    context: context ?? (() => ({ isAdmin: true, roles: ['admin'] })),
  };
}

/** Names of one service. */
export interface RPCIdentity {
  readonly host: string;
  readonly binary: string;
  readonly topic: string;
}

/**
 * Returns the names of a service by its options and configuration. Throws `PORTICO_RPC_NAME` for a name that cannot be part of a topic, and
 * for a missing one.
 */
export function identityOf(options: RPCServiceOptions, config: Config): RPCIdentity {
  const host = options.host ?? hostOf(config);
  const binary = options.binary ?? commandName(options.argv);
  const topic = options.topic ?? namedTopic(config, options) ?? topicOf(binary, options.project ?? 'portico');
  const isOslo = hasOsloNames(config, options.transport);
  checkName('host', host, isOslo);
  if (binary === '' || binary.length > 255) {
    throw new PorticoError('PORTICO_RPC_NAME', {
      message: `the binary ${JSON.stringify(binary)} is not a name of 1 to 255 characters`,
      hint: "Pass binary, the name of the service's application.",
    });
  }
  checkName('topic', topic, isOslo);
  return { host, binary, topic };
}

function namedTopic(config: Config, { topicOption, name }: RPCServiceOptions): string | undefined {
  if (topicOption == null || !config.has(topicOption.group, topicOption.opt)) return undefined;
  return (config.resolve(topicOption.group, topicOption.opt).value as string | undefined) || name;
}

/** Returns the binary after its last `<project>-`, or the whole binary without such a prefix. */
function topicOf(binary: string, project: string): string {
  const prefix = `${project}-`;
  const at = binary.lastIndexOf(prefix);
  return at === -1 ? binary : binary.slice(at + prefix.length);
}

/** Returns the option that names a service's manager. */
export function managerOption(topic: string, { managerOption: given }: RPCServiceOptions): ManagerOption {
  return given ?? { group: 'DEFAULT', opt: `${topic.replaceAll(/\W/g, '_')}_manager` };
}

/**
 * Returns a function that gives the managers of a service for a configuration: those in code, else the one named by its option, else those
 * of its binary. It throws `PORTICO_MANAGER` if there is none.
 */
export function managersFor(
  { binary, topic }: RPCIdentity,
  options: RPCServiceOptions,
): (config: Config) => readonly ManagerSource<ManagerContext>[] {
  const option = managerOption(topic, options);
  const declared = defineOptions({
    [option.opt]: module({ help: `The manager of ${binary}, as module:export.` }),
  });
  return (config) => {
    if (options.manager != null) return [options.manager].flat() as ManagerSource<ManagerContext>[];
    if (options.managerOption == null) config.group(option.group, declared, { partial: true });
    const named = namedManager(config, option);
    return named === undefined ? [ofBinary(binary, options, option)] : [named];
  };
}

function ofBinary(
  binary: string,
  options: RPCServiceOptions,
  { group, opt }: ManagerOption,
): ManagerSource<ManagerContext> {
  const { managers = {} } = options;
  if (Object.hasOwn(managers, binary)) return managers[binary]!;
  const known = Object.keys(managers);
  throw new ConfigurationRefused('PORTICO_MANAGER', {
    message: `${binary} has no manager: [${group}] ${opt} is not set`,
    hint: [
      `Write ${opt} = ./file.js:Manager, or pass one in code.`,
      didYouMean(binary, known) ?? (known.length === 0 ? undefined : `There are managers for ${known.join(', ')}.`),
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  });
}

function checkName(what: 'host' | 'topic', name: string, isOslo: boolean): void {
  const wrong = wrongName(what, name, isOslo);
  if (wrong !== undefined) throw new PorticoError('PORTICO_RPC_NAME', wrong);
}

/** Returns the endpoints of the application: the managers, and those that they add. */
export function endpointsOf(managers: readonly Manager[]): readonly object[] {
  return [...managers, ...managers.flatMap(({ additionalEndpoints = [] }) => additionalEndpoints)];
}

/** Checks the options as `RPCService.create` does, with the same errors. Creates no manager. */
export function plannedRpcService(options: RPCServiceOptions & ServiceSection): PlannedSectionService {
  const { name, config, workers, project } = options;
  checkServiceOptions(options);
  const identity = identityOf(options, config);
  managersFor(identity, options)(config);
  messagingSettings(config, { project });
  notificationSettings(config);
  return { kind: 'planned', name, topic: identity.topic, workers, addresses: [] };
}
