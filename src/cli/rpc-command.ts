/**
 * `api-cli rpc`: remote calls for operators of services that make and serve them: pings and calls; contracts and dead letters have separate
 * files.
 */

import type { Command } from 'commander';
import { RequestContext } from '../app/index.js';
import { present, UsageError } from '../config/internal.js';
import { isObject } from '../errors/index.js';
import type { RPCConnection } from '../rpc/index.js';
import { NoSuchMethod, UnsupportedVersion } from '../rpc/internal.js';
import type { ClientOptions } from '../service/index.js';
import { printable } from '../text/index.js';
import { addCommand, example, print, wholeNumber } from './command.js';
import type { OutputArguments } from './command-line.js';
import { withConnection } from './configured/configured-rpc.js';
import { registerDeadLetters } from './dead-letters-command.js';
import { registerContract } from './rpc-contract.js';

interface Target extends OutputArguments {
  readonly timeout?: number;
  readonly host?: string;
}

interface CallTarget extends Target {
  readonly namespace?: string;
  readonly methodVersion?: string;
}

/** Context of an operator with an administrator's rights: users who may publish to the broker may call anything. */
const CONTEXT = new RequestContext({ isAdmin: true, roles: ['admin'] });

export function register(program: Command): void {
  const rpc = program
    .command('rpc')
    .description('make remote calls between services, and handle failed messages')
    .addHelpText('after', example('api-cli rpc dead list'));
  add(rpc, 'ping <topic>', 'show the state of a service that answers', 'ping compute --host north')
    .option('--timeout <seconds>', 'wait for the reply', wholeNumber('--timeout', 1), 5)
    .option('--json', 'print JSON')
    .action(async (topic: string, args: Target) => {
      const answer = await withConnection(args, (rpcs) => ping(rpcs, topic, args));
      print(args, answer, () =>
        printable(`${answer.service}${answer.host === null ? '' : ` on ${answer.host}`} answered in ${answer.ms} ms`),
      );
    });

  addCall(rpc, 'call', 'call a method and print its result as JSON').action(
    async (topic: string, method: string, values: string | undefined, args: CallTarget) => {
      const named = argumentsOf(values);
      const result = await withConnection(args, (rpcs) =>
        rpcs.client(targetOf(topic, args)).call(CONTEXT, method, named),
      );
      print({ json: true }, result ?? null, () => '');
    },
  );

  addCall(rpc, 'cast', 'have a method called without waiting for it').action(
    async (topic: string, method: string, values: string | undefined, args: CallTarget) => {
      const named = argumentsOf(values);
      // Without a queue the broker would drop it.
      const target = { ...targetOf(topic, args), mandatory: true };
      await withConnection(args, (rpcs) => rpcs.client(target).cast(CONTEXT, method, named));
      process.stdout.write('the broker accepted it\n');
    },
  );

  registerContract(rpc);
  registerDeadLetters(rpc);
}

/** Pings a service. One in Python answers a call of its toolkit, or reports an unknown method: it is present either way. */
async function ping(rpcs: RPCConnection, topic: string, args: Target) {
  const begun = performance.now();
  const passed = (): number => Math.round(performance.now() - begun);
  const client = targetOf(topic, args);
  try {
    const base = rpcs.client({ ...client, namespace: 'base', version: '1.1' });
    const { host, service } = await base.call<{ host: string; service: string }>(CONTEXT, 'ping');
    const ms = passed();
    const status = (await base.prepare({ server: host }).call(CONTEXT, 'getStatus')) as object;
    return { service, host, ms, ...status };
  } catch (error) {
    if (!isUnknownThere(error)) throw error;
  }
  try {
    await rpcs.client(client).call(CONTEXT, 'oslo_rpc_server_ping');
  } catch (error) {
    if (!isUnknownThere(error)) throw error;
  }
  return { service: topic, host: args.host ?? null, ms: passed() };
}

/** Reports whether a server answered that it has no such method. */
function isUnknownThere(error: unknown): boolean {
  return error instanceof NoSuchMethod || error instanceof UnsupportedVersion;
}

function add(rpc: Command, words: string, description: string, line: string): Command {
  const command = addCommand(rpc, words, description, `api-cli rpc ${line}`);
  return command.option('--host <name>', 'its host (default: any)');
}

function addCall(rpc: Command, name: string, description: string): Command {
  return add(rpc, `${name} <topic> <method> [arguments]`, description, `${name} images resize '{"id": "a", "to": 7}'`)
    .option(
      '--timeout <seconds>',
      'wait for the reply (default: [rpc] response_timeout; 30 for a cast)',
      wholeNumber('--timeout', 1),
    )
    .option('--namespace <name>', 'namespace of the method')
    .option('--method-version <version>', 'lowest version of the service (default: 1.0)');
}

function targetOf(topic: string, { host, namespace, methodVersion, timeout }: CallTarget): ClientOptions {
  return present({ topic, timeout, server: host, namespace, version: methodVersion });
}

function argumentsOf(text = '{}'): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isObject(value)) return value;
  // Without the input, which may hold a secret.
  throw new UsageError('the arguments are not a JSON object', `Write them by name: '{"id": "a", "to": 7}'.`);
}
