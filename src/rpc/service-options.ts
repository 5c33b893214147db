/**
 * Options of an RPC service in code, checked before anything is made, and the names for its records, topics and options. Absent and null mean the default; 0 and false are values.
 */
import { type Config, defineOptions, module } from '../config/index.js';
import { commandName } from '../config/internal.js';
import {
  ConfigurationRefused,
  didYouMean,
  FLAG,
  FUNCTION,
  LIST,
  OBJECT,
  type OptionKind,
  PorticoError,
  refuseUnknownOptions,
  refuseWrongValues,
  TEXT,
} from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { ManagerContext } from '../registry/index.js';
import type { ManagerOption } from '../registry/internal.js';
import { heartbeatOptions, namedManager } from '../registry/internal.js';
import type { ManagerSource, Registration } from '../service/index.js';
import type { Serializer } from './message/serializer.js';
import { speaksOslo } from './messaging-options.js';
import { wrongName } from './transport/route.js';
import type { Transport } from './transport/transport.js';

/** How `RPCService.create` makes a service. Times in seconds. */
export interface RPCServiceOptions {
  /** The name of this machine. Default: `[DEFAULT] host`. */
  readonly host?: string | null;
  /** Name of the program, unique on its host. Default: the name of the command. */
  readonly binary?: string | null;
  /** Topic of its calls. Default: the binary without its `<project>-`; without that, the whole of it. */
  readonly topic?: string | null;
  /** A second topic that it takes calls for. Default: none. */
  readonly altTopic?: string | null;
  /**
   * The domain behind it, or several, the first of which is the main one. Default: what `[DEFAULT] <topic>_manager` names,
   * else what `managers` has for the binary.
   */
  readonly manager?: ManagerSource<ManagerContext> | readonly ManagerSource<ManagerContext>[] | null;
  /** The option that names the manager. Default: `[DEFAULT] <topic>_manager`. */
  readonly managerOption?: ManagerOption | null;
  /** The managers of an application, by binary. */
  readonly managers?: Readonly<Record<string, ManagerSource<ManagerContext>>>;
  /** Between two heartbeats; 0: none. Default: `[DEFAULT] report_interval`. */
  readonly reportInterval?: number | null;
  /** Whether periodic tasks run. Default: `[DEFAULT] periodic_enable`. */
  readonly periodicEnable?: boolean | null;
  /** The first periodic tasks come after a random part of it; 0: at once. Default: `[DEFAULT] periodic_fuzzy_delay`. */
  readonly periodicFuzzyDelay?: number | null;
  /** Between two passes over the periodic tasks, at most; 0: no passes. Default: `[DEFAULT] periodic_interval_max`. */
  readonly periodicIntervalMax?: number | null;
  /** Default: an empty one, so that every option has its default. */
  readonly config?: Config;
  /** In front of the binary's name. Default `portico`. */
  readonly project?: string;
  /** The version of its code, as it numbers it. Default 0. */
  readonly version?: number;
  /** How many processes are to run it. Default 1. */
  readonly workers?: number;
  /** Name for the launcher. Default: the binary. */
  readonly name?: string;
  /** Its record in the service registry; null: none. Default: what `[servicegroup]` says. */
  readonly registration?: Registration | null;
  /** Makes the context of a pass of periodic tasks: an administrator's request context. */
  readonly context?: () => unknown;
  /** A transport URL, or a transport that is not closed with the service. Default: `[rpc] transport_url`. */
  readonly transport?: string | Transport;
  /** How the application's own objects travel. Default: plain data alone, and a `RequestContext`. */
  readonly serializer?: Serializer;
  /** The command line that the binary's name is taken from. Default: the process's. */
  readonly argv?: readonly string[];
  /** Default: standard error. */
  readonly log?: Logger;
}

const SECONDS: OptionKind = { noun: 'a number of seconds', has: (value) => typeof value === 'number' };

/** Every option, and the values that it has where it is given. */
const KINDS: Readonly<Record<keyof RPCServiceOptions, OptionKind>> = {
  host: TEXT,
  binary: TEXT,
  topic: TEXT,
  altTopic: TEXT,
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
  log: OBJECT,
};

/**
 * Throws `PORTICO_RPC_OPTION` for an unknown option, with the nearest name, and for a value that cannot be;
 * `PORTICO_MANAGER` for a list without managers, `PORTICO_INVALID_INTERVAL` for a time below 0. Undefined and null are always right.
 */
export function checkOptions(options: RPCServiceOptions): void {
  refuseUnknownOptions('PORTICO_RPC_OPTION', 'an RPC service', options, Object.keys(KINDS));
  const given = Object.entries(options).filter(([, value]) => value !== null);
  refuseWrongValues('PORTICO_RPC_OPTION', 'an RPC service', Object.fromEntries(given), KINDS);
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

/** The names of one service. */
export interface RPCIdentity {
  readonly host: string;
  readonly binary: string;
  readonly topic: string;
}

/**
 * The names that options and configuration give a service. Throws `PORTICO_RPC_NAME` for one that cannot be part of a
 * topic, and where there is none.
 */
export function identityOf(options: RPCServiceOptions, config: Config): RPCIdentity {
  const host = options.host ?? config.group('DEFAULT', heartbeatOptions, { partial: true }).host;
  const binary = options.binary ?? commandName(options.argv);
  const topic = options.topic ?? topicOf(binary, options.project ?? 'portico');
  const isOslo = speaksOslo(config, options.transport);
  checkName('host', host, isOslo);
  if (binary === '' || binary.length > 255) {
    throw new PorticoError('PORTICO_RPC_NAME', {
      message: `the binary ${JSON.stringify(binary)} is not a name of 1 to 255 characters`,
      hint: "Pass binary, the name of the service's program.",
    });
  }
  for (const name of [topic, ...(options.altTopic == null ? [] : [options.altTopic])]) {
    checkName('topic', name, isOslo);
  }
  return { host, binary, topic };
}

/** The binary behind its last `<project>-`; without that, the whole of it. */
function topicOf(binary: string, project: string): string {
  const prefix = `${project}-`;
  const at = binary.lastIndexOf(prefix);
  return at === -1 ? binary : binary.slice(at + prefix.length);
}

/** The option that names a service's manager. */
export function managerOption(topic: string, { managerOption: given }: RPCServiceOptions): ManagerOption {
  return given ?? { group: 'DEFAULT', opt: `${topic.replaceAll(/\W/g, '_')}_manager` };
}

/**
 * Gives the managers of a service as a configuration has them: in code, else named by its option, else
 * those of its binary. The function it gives throws `PORTICO_MANAGER` where there is none.
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
