/**
 * Who an RPC service is: names that its records, its topics and its options are made of.
 */
import { type Config, defineOptions, module } from '../config/index.js';
import { commandName } from '../config/internal.js';
import { ConfigurationRefused, didYouMean, PorticoError } from '../errors/index.js';
import type { ManagerContext, ManagerOption } from '../registry/index.js';
import { heartbeatOptions, namedManager } from '../registry/internal.js';
import type { ManagerSource } from '../service/index.js';
import type { RPCServiceOptions } from './rpc-options.js';
import { HOST, TOPIC } from './transport/route.js';

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
  checkName('host', host, HOST);
  if (binary === '' || binary.length > 255) {
    throw new PorticoError('PORTICO_RPC_NAME', {
      message: `the binary ${JSON.stringify(binary)} is no name of 1 to 255 characters`,
      hint: 'Give the service a binary: the name of its program.',
    });
  }
  for (const name of [topic, ...(options.altTopic == null ? [] : [options.altTopic])]) {
    checkName('topic', name, TOPIC);
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
  return given ?? { group: 'DEFAULT', opt: `${topic.replaceAll('-', '_')}_manager` };
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
    [option.opt]: module({ help: `Module and export of the manager behind ${binary}.` }),
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
      `Write ${opt} = ./file.js:Manager, or give one in code.`,
      didYouMean(binary, known) ?? (known.length === 0 ? undefined : `There are managers for ${known.join(', ')}.`),
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  });
}

function checkName(what: string, name: string, pattern: RegExp): void {
  if (pattern.test(name)) return;
  throw new PorticoError('PORTICO_RPC_NAME', {
    message: `the ${what} ${JSON.stringify(name)} cannot be part of the name of a queue`,
    hint: `Take 1 to 100 letters, digits, underscores and dashes${what === 'host' ? ', dots and colons' : ', but not "dead"'}.`,
  });
}
