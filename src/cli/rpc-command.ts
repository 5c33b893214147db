/**
 * `api-cli rpc`: remote calls for operators of services that make and serve them: pings and calls, contracts, and dead letters.
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { RequestContext } from '../app/index.js';
import { commandLogger, present, UsageError } from '../config/internal.js';
import { type Diagnostic, didYouMean, isObject, PorticoError, printDiagnostics } from '../errors/index.js';
import type { ArgumentSchema, RPCConnection, RpcContract } from '../rpc/index.js';
import {
  contractErrors,
  type DeadLetter,
  type DeadLetterFilter,
  DeadLetters,
  NoSuchMethod,
  UnsupportedVersion,
} from '../rpc/internal.js';
import { namesIn } from '../server/internal.js';
import type { ClientOptions } from '../service/index.js';
import { countText, formatDuration, printable } from '../text/index.js';
import { addCommand, columns, example, print, unknownName, wholeNumber } from './command.js';
import { addConfigurationOptions, type ConfigurationArguments, type OutputArguments } from './command-line.js';
import { readConfiguration } from './configured/configuration.js';
import { withConnection } from './configured/configured-rpc.js';
import { enabledServices, makingServices } from './configured/enabled-services.js';
import { refuseErrors } from './validate/plan.js';

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

interface ContractArguments extends OutputArguments {
  readonly check?: string;
}

/** Record of a release. */
interface ServiceContract {
  readonly service: string;
  readonly topic: string;
  readonly interfaces: readonly RpcContract[];
}

const SCHEMA = 'portico/rpc-contract';

/** Adds `contract`: the methods that a service offers, and changes that break those of the last release. */
function registerContract(rpc: Command): void {
  const command = rpc
    .command('contract <service>')
    .description('print the remote methods of a service, or changes that break an older contract')
    .option('--check <file>', 'only changes that break the contract in this file (output of --json)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample:\n  api-cli rpc contract images --json > images.json\n  api-cli rpc contract images --check images.json\n\nStatus of --check: 1 if something breaks.',
    );
  addConfigurationOptions(command).action(async (name: string, args: ContractArguments) => {
    const before = args.check === undefined ? undefined : contractIn(args.check);
    const contract = await contractOf(name, args);
    if (before === undefined) showContract(contract, args);
    else check(contract, before, args);
  });
}

async function contractOf(name: string, args: ConfigurationArguments): Promise<ServiceContract> {
  // Whatever other services this host runs.
  const config = await readConfiguration(args, { set: [`DEFAULT.enabled_services=${name}`] });
  const names = namesIn(config);
  const { services, diagnostics } = await enabledServices(
    config,
    names,
    { log: commandLogger(config) },
    makingServices,
  );
  refuseErrors(diagnostics);
  const service = services.find((each) => each.name === name);
  if (service === undefined)
    throw unknownName(`no service is called "${name}"`, name, names.sections.service, 'Services');
  return { service: name, topic: service.topic, interfaces: await service.contract() };
}

function showContract(contract: ServiceContract, args: ContractArguments): void {
  print(args, { schema: SCHEMA, version: 1, ...contract }, () =>
    columns([
      ['INTERFACE', 'VERSION', 'METHOD', 'ARGUMENTS'],
      ...contract.interfaces.flatMap(({ namespace, version, methods }) =>
        Object.entries(methods).map(([method, schema]) => [namespace ?? '-', version, method, argumentsText(schema)]),
      ),
    ]).join('\n'),
  );
}

/** Returns their names; optional ones have a question mark. */
function argumentsText(schema: ArgumentSchema | null): string {
  if (schema === null) return 'any';
  const { properties = {}, required = [] } = schema as { properties?: object; required?: readonly string[] };
  const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
  return names.join(', ') || '-';
}

function check(now: ServiceContract, before: ServiceContract, args: ContractArguments): void {
  const moved =
    now.topic === before.topic
      ? []
      : [`its topic was ${before.topic} and is ${now.topic}: calls from the last release no longer reach it`];
  const findings = [...moved, ...contractErrors(before.interfaces, now.interfaces)].map(
    (message): Diagnostic => ({ severity: 'error', code: 'PORTICO_RPC_CONTRACT', message }),
  );
  print(args, { schema: SCHEMA, version: 1, findings }, () =>
    findings.length === 0 ? `${args.check}: the contract of ${now.service} is compatible.` : printDiagnostics(findings),
  );
  process.exitCode = findings.length === 0 ? 0 : 1;
}

function contractIn(path: string): ServiceContract {
  let why = 'it has no contract';
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<ServiceContract> & { readonly schema?: unknown };
    if (read.schema === SCHEMA && Array.isArray(read.interfaces)) return read as ServiceContract;
  } catch (error) {
    why = (error as Error).message;
  }
  const hint = `Keep one with each release: api-cli rpc contract <service> --json > ${path}`;
  throw new UsageError(`${path} is not what --json prints: ${why}`, hint);
}

// `api-cli rpc dead`: remote calls that were not handled in time, were refused, or were returned too often.

interface Selection extends OutputArguments {
  readonly topic?: string;
  readonly all?: boolean;
}

/** Adds `dead` and its commands. */
function registerDeadLetters(rpc: Command): void {
  const dead = rpc
    .command('dead')
    .description('messages that expired, were refused, or were redelivered too often')
    .addHelpText('after', example('api-cli rpc dead list --topic compute'));

  addDead(dead, 'list', 'list them, oldest first', 'list --topic compute')
    .option('--topic <name>', 'only those of this topic')
    .action((args: Selection) => showLetters(args, { topic: args.topic }, table));

  addDead(dead, 'show <id>', 'show one, without the values of its arguments', `show ${ID}`).action(
    (id: string, args: OutputArguments) =>
      showLetters(args, { ids: [id] }, (_exchange, letters) => letters.map(details).join('\n\n')),
  );

  addSelection(dead, 'replay', 'send them to their queues again').action(
    async (ids: readonly string[], args: Selection) => {
      const outcomes = await change(ids, args, (found, filter) => found.replay(filter));
      const failed = outcomes.filter(({ failure }) => failure !== undefined);
      const replayed = outcomes.length - failed.length;
      print(args, { replayed, failed: failed.map(({ letter, failure }) => ({ id: letter.id, failure })) }, () =>
        [
          `replayed ${countText(replayed, 'dead letter')}`,
          ...failed.map(({ letter, failure }) => `${letter.id} is still a dead letter: ${failure}`),
        ].join('\n'),
      );
      process.exitCode = failed.length === 0 ? 0 : 1;
    },
  );

  addSelection(dead, 'drop', 'forget them').action(async (ids: readonly string[], args: Selection) => {
    const dropped = (await change(ids, args, (found, filter) => found.drop(filter))).length;
    print(args, { dropped }, () => `dropped ${countText(dropped, 'dead letter')}`);
  });
}

const ID = '01a8d29e-7c01-7a60-9c3b-2f0e8b7d4a11';

function addDead(dead: Command, words: string, description: string, line: string): Command {
  return addCommand(dead, words, description, `api-cli rpc dead ${line}`).option('--json', 'print JSON');
}

function addSelection(dead: Command, name: string, description: string): Command {
  return addDead(dead, `${name} [id...]`, description, `${name} --topic compute`)
    .option('--topic <name>', 'only those of this topic')
    .option('--all', 'all of the exchange');
}

async function showLetters(
  args: OutputArguments,
  filter: DeadLetterFilter,
  text: (exchange: string, letters: readonly DeadLetter[]) => string,
): Promise<void> {
  await withConnection(args, async (connection) => {
    const found = new DeadLetters(connection);
    const letters = await meant(found, filter);
    const document = { schema: 'portico/rpc-dead', version: 1, exchange: found.exchange, letters: letters.map(jsonOf) };
    print(args, document, () => text(found.exchange, letters));
  });
}

/** Replays or drops the selected letters. */
function change<T>(
  ids: readonly string[],
  args: Selection,
  work: (found: DeadLetters, filter: DeadLetterFilter) => Promise<T>,
): Promise<T> {
  const filter = filterOf(ids, args);
  return withConnection(args, async (connection) => {
    const found = new DeadLetters(connection);
    if (args.all !== true) await meant(found, filter);
    return work(found, filter);
  });
}

/** Returns the selection of a command line: it names letters, or selects all. */
function filterOf(ids: readonly string[], { topic, all }: Selection): DeadLetterFilter {
  if ((ids.length > 0 ? 1 : 0) + (topic === undefined ? 0 : 1) + (all === true ? 1 : 0) !== 1) {
    throw new UsageError(
      'select messages by ids, --topic <name> or --all',
      'See their ids with api-cli rpc dead list.',
    );
  }
  return ids.length === 0 ? { topic } : { ids };
}

/** Returns the selected letters. Refuses an unknown id; for a topic without letters, names those that have some. */
async function meant(found: DeadLetters, filter: DeadLetterFilter): Promise<readonly DeadLetter[]> {
  const { ids, topic } = filter;
  const letters = await found.list(filter);
  const unknown = ids?.find((id) => letters.every((letter) => letter.id !== id));
  if (unknown !== undefined) {
    const known = (await found.list()).map(({ id }) => id);
    const hint = known.length === 0 ? 'There are no dead letters.' : 'See their ids with api-cli rpc dead list.';
    throw new PorticoError('PORTICO_NO_DEAD_LETTER', {
      message: `no dead letter has the id ${unknown}`,
      hint: didYouMean(unknown, known) ?? hint,
    });
  }
  if (topic !== undefined && letters.length === 0) {
    const topics = new Set((await found.list()).flatMap((letter) => letter.topic ?? []));
    const others =
      topics.size === 0 ? 'There are no dead letters.' : `There are dead letters of ${[...topics].join(', ')}.`;
    const hint = didYouMean(topic, topics) ?? others;
    process.stderr.write(`${printable(`no dead letter is of the topic ${topic}`)}\n  ${printable(hint)}\n`);
  }
  return letters;
}

function jsonOf(letter: DeadLetter): object {
  return {
    id: letter.id,
    topic: letter.topic ?? null,
    host: letter.host ?? null,
    fanout: letter.isFanout,
    method: letter.method ?? null,
    version: letter.version ?? null,
    namespace: letter.namespace ?? null,
    request_id: letter.requestId ?? null,
    arguments: letter.args,
    bytes: letter.bytes,
    sent: letter.sent?.toISOString() ?? null,
    died: letter.died?.toISOString() ?? null,
    reason: letter.reason,
  };
}

function table(exchange: string, letters: readonly DeadLetter[]): string {
  const topics = new Map<string, number>();
  for (const { topic = 'no topic' } of letters) topics.set(topic, (topics.get(topic) ?? 0) + 1);
  const counts = [...topics].map(([topic, count]) => `${topic} ${count}`).join(', ');
  const total = `${countText(letters.length, 'dead letter')} of the exchange ${exchange}${counts === '' ? '' : `: ${counts}`}`;
  if (letters.length === 0) return total;
  const rows = [
    ['ID', 'TOPIC', 'HOST', 'METHOD', 'DIED', 'REASON'],
    ...letters.map(({ id, topic = '-', isFanout, host = isFanout ? '(fanout)' : '-', method = '-', died, reason }) => [
      id,
      topic,
      host,
      method,
      died === undefined ? '-' : ago(died),
      reason,
    ]),
  ];
  return [...columns(rows), total].join('\n');
}

function details(letter: DeadLetter): string {
  return Object.entries(jsonOf(letter))
    .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') || '-' : (value ?? '-')] as const)
    .map(([name, value]) => `${name.padEnd(12)} ${printable(String(value))}`)
    .join('\n');
}

function ago(date: Date): string {
  return `${formatDuration(Math.max(0, Math.round((Date.now() - date.getTime()) / 1000)))} ago`;
}
