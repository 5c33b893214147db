/**
 * `api-cli rpc contract`: the methods that a service offers, and changes that break those of the last release.
 */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { commandLogger, UsageError } from '../config/internal.js';
import { type Diagnostic, printDiagnostics } from '../errors/index.js';
import type { ArgumentSchema, RpcContract } from '../rpc/index.js';
import { contractErrors } from '../rpc/internal.js';
import { namesIn } from '../server/internal.js';
import { columns, print, unknownName } from './command.js';
import { addConfigurationOptions, type ConfigurationArguments, type OutputArguments } from './command-line.js';
import { readConfiguration } from './configured/configuration.js';
import { enabledServices, makingServices } from './configured/enabled-services.js';
import { refuseErrors } from './validate/plan.js';

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

/** Adds `contract`. */
export function registerContract(rpc: Command): void {
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
    if (before === undefined) show(contract, args);
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

function show(contract: ServiceContract, args: ContractArguments): void {
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
