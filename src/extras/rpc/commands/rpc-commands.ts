/** `api-cli rpc`: remote calls for operators of services that make and serve them: pings, calls and contracts. */
import type { Command } from 'commander';
import { RequestContext } from 'portico/app';
import { isObject, printable, UsageError } from 'portico/extension';
import type { ClientOptions, CommandContext, OutputArguments } from 'portico/service';
import type { RPCConnection } from '../client/rpc-connection.js';
import { NoSuchMethod, UnsupportedVersion } from '../errors.js';
import type { RPCService } from '../rpc-service.js';
import type { ArgumentSchema } from '../server/arguments.js';
import { withConnection } from './command-connection.js';
import { registerDeadLetters } from './dead-letters-commands.js';

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

export function register(program: Command, context: CommandContext): void {
  const { example, print, wholeNumber } = context;
  const rpc = program
    .command('rpc')
    .description('make remote calls between services, and handle failed messages')
    .addHelpText('after', example('api-cli rpc dead list'));
  add(context, rpc, 'ping <topic>', 'show the state of a service that responds', 'ping compute --host north')
    .option('--timeout <seconds>', 'wait for the reply', wholeNumber('--timeout', 1), 5)
    .option('--json', 'print JSON')
    .action(async (topic: string, args: Target) => {
      const answer = await withConnection(context, args, (rpcs) => ping(rpcs, topic, args));
      print(args, answer, () =>
        printable(`${answer.service}${answer.host === null ? '' : ` on ${answer.host}`} responded in ${answer.ms} ms`),
      );
    });

  addCall(context, rpc, 'call', 'call a method and print its result as JSON').action(
    async (topic: string, method: string, values: string | undefined, args: CallTarget) => {
      const named = argumentsOf(values);
      const result = await withConnection(context, args, (rpcs) =>
        rpcs.client(targetOf(topic, args)).call(CONTEXT, method, named),
      );
      print({ json: true }, result ?? null, () => '');
    },
  );

  addCall(context, rpc, 'cast', 'have a method called without waiting for it').action(
    async (topic: string, method: string, values: string | undefined, args: CallTarget) => {
      const named = argumentsOf(values);
      // Without a queue the broker would drop it.
      const target = { ...targetOf(topic, args), mandatory: true };
      await withConnection(context, args, (rpcs) => rpcs.client(target).cast(CONTEXT, method, named));
      process.stdout.write('the broker accepted it\n');
    },
  );

  registerContract(rpc, context);
  registerDeadLetters(rpc, context);
}

/** Pings a service. One in Python responds to a call of its toolkit, or reports an unknown method: it is present either way. */
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

/** Reports whether a server responded that it has no such method. */
function isUnknownThere(error: unknown): boolean {
  return error instanceof NoSuchMethod || error instanceof UnsupportedVersion;
}

function add(context: CommandContext, rpc: Command, words: string, description: string, line: string): Command {
  const command = context.addCommand(rpc, words, description, `api-cli rpc ${line}`);
  return command.option('--host <name>', 'its host (default: any)');
}

function addCall(context: CommandContext, rpc: Command, name: string, description: string): Command {
  return add(
    context,
    rpc,
    `${name} <topic> <method> [arguments]`,
    description,
    `${name} images resize '{"id": "a", "to": 7}'`,
  )
    .option(
      '--timeout <seconds>',
      'wait for the reply (default: [rpc] response_timeout; 30 for a cast)',
      context.wholeNumber('--timeout', 1),
    )
    .option('--namespace <name>', 'namespace of the method')
    .option('--method-version <version>', 'lowest version of the service (default: 1.0)');
}

function targetOf(topic: string, { host, namespace, methodVersion, timeout }: CallTarget): ClientOptions {
  return {
    topic,
    ...(timeout !== undefined && { timeout }),
    ...(host !== undefined && { server: host }),
    ...(namespace !== undefined && { namespace }),
    ...(methodVersion !== undefined && { version: methodVersion }),
  };
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

/** Adds `contract`: the methods that a service offers. */
function registerContract(rpc: Command, context: CommandContext): void {
  const { addCommand, columns, makeService, print, readConfiguration } = context;
  addCommand(rpc, 'contract <service>', 'print the remote methods of a service', 'api-cli rpc contract images')
    .option('--json', 'print JSON')
    .action(async (name: string, args: OutputArguments) => {
      // This extension makes the services of sections.
      const service = (await makeService(await readConfiguration(args), name)) as RPCService;
      const interfaces = await service.contract();
      const document = { schema: 'portico/rpc-contract', version: 1, service: name, topic: service.topic, interfaces };
      print(args, document, () => {
        const rows = interfaces.flatMap(({ namespace, version, methods }) =>
          Object.entries(methods).map(([method, schema]) => [namespace ?? '-', version, method, argumentsText(schema)]),
        );
        return columns([['INTERFACE', 'VERSION', 'METHOD', 'ARGUMENTS'], ...rows]).join('\n');
      });
    });
}

/** Returns their names; optional ones have a question mark. */
function argumentsText(schema: ArgumentSchema | null): string {
  if (schema === null) return 'any';
  const { properties = {}, required = [] } = schema as { properties?: object; required?: readonly string[] };
  const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
  return names.join(', ') || '-';
}
