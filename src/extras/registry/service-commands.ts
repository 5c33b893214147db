/**
 * `api-cli service`: registered services, and the decisions of operators about them. `api-cli db sync`: migrates their tables.
 */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from 'portico/config';
import {
  callsProvider,
  didYouMean,
  type Logger,
  nearestOrAll,
  type OperatorChanges,
  PorticoError,
  type ServiceJson,
  type ServiceRegistry,
  type ServiceView,
  serviceJson,
  sqlitePath,
  type ViewFilter,
} from 'portico/extension';
import type { CommandContext, ConfigurationArguments, OutputArguments } from 'portico/service';
import { openRegistry } from './open-registry.js';
import { neededRegistry } from './provided.js';
import { checkConnection, registryConnection, servicegroupOptions } from './registry-options.js';
import { RegistryUnavailable } from './service-store.js';

interface ListArguments extends OutputArguments, ViewFilter {
  readonly check?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  const { choice, example, print, wholeNumber } = context;
  const service = program
    .command('service')
    .description('list and change registered services')
    .addHelpText('after', example('api-cli service list --state down'));

  add(context, service, 'list', 'list services', 'list --state down --check')
    .option('--host <name>', 'only this host')
    .option('--binary <name>', 'only this binary')
    .option('--topic <name>', 'only this topic')
    .option('--state <state>', 'up, down or unknown', choice('--state', ['up', 'down', 'unknown']))
    .option('--status <status>', 'enabled or disabled', choice('--status', ['enabled', 'disabled']))
    .option('--check', 'exit with status 1 if one of them is down')
    .action(async (args: ListArguments) => {
      const views = await withRegistry(context, args, async (registry) => {
        const found = await registry.list(filterOf(args));
        if (found.length === 0 && args.json !== true) {
          process.stderr.write(`${nothingFits(args, await registry.list())}\n`);
        }
        if (found.some(({ state, record }) => state === 'down' && !record.forcedDown && record.state !== 'stopped')) {
          await tellStale(registry);
        }
        return found;
      });
      print(args, { services: views.map(serviceJson) }, () => table(views.map(serviceJson), context));
      process.exitCode = args.check === true && views.some(({ state }) => state === 'down') ? 1 : 0;
    });

  add(
    context,
    service,
    'show <service>',
    'show one service, named by id, binary@host, or binary if that runs once',
    'show portico-compute@node1',
  ).action(async (name: string, args: OutputArguments) => {
    const view = await withRegistry(context, args, (registry) => find(registry, name));
    print(args, serviceJson(view), () => details(serviceJson(view)));
  });

  addChange(context, service, 'enable', 'send work to a service again', { status: 'enabled' });

  add(
    context,
    service,
    'disable <service>',
    'send no new work to a service: it takes no calls of its topic, only those to its host',
    "disable portico-compute@node1 --reason 'new disks'",
  )
    .option('--reason <text>', 'the reason, shown to other operators')
    .action((name: string, args: OutputArguments & { reason?: string }) =>
      change(context, name, args, {
        status: 'disabled',
        ...(args.reason !== undefined && { disabledReason: args.reason }),
      }),
    );

  addChange(context, service, 'force-down', 'treat a service as down despite its heartbeats', { forcedDown: true });
  addChange(context, service, 'force-up', 'trust the heartbeats of a service again', { forcedDown: false });

  add(
    context,
    service,
    'delete <service>',
    'delete the record of a service that is gone',
    'delete portico-compute@node1',
  )
    .option('--force', 'even if the service is up')
    .action(async (name: string, args: OutputArguments & { force?: boolean }) => {
      const deleted = await withRegistry(context, args, async (registry, config, log) => {
        const { record } = await find(registry, name);
        await registry.delete(record.uuid, { force: args.force === true });
        // Remote calls are loaded for this command only.
        await (await callsProvider(config)).forgetHost(record, config, log);
        return record;
      });
      print(args, { deleted: deleted.uuid }, () => `deleted ${deleted.binary} on ${deleted.host}`);
    });

  add(context, service, 'purge', 'remove records deleted long ago', 'purge --days 30')
    .option('--days <number>', 'days since then (default: 30)', wholeNumber('--days'))
    .action(async (args: OutputArguments & { days?: number }) => {
      const purged = await withRegistry(context, args, (registry) => registry.purge(args.days ?? 30));
      print(args, { purged }, () => `forgot ${purged} records`);
    });

  registerDatabase(program, context);
}

function add(context: CommandContext, service: Command, words: string, description: string, line: string): Command {
  return context.addCommand(service, words, description, `api-cli service ${line}`).option('--json', 'print JSON');
}

function addChange(
  context: CommandContext,
  service: Command,
  name: string,
  description: string,
  changes: OperatorChanges,
): void {
  const command = add(context, service, `${name} <service>`, description, `${name} portico-compute@node1`);
  command.action((named: string, args: OutputArguments) => change(context, named, args, changes));
}

async function change(
  context: CommandContext,
  name: string,
  args: OutputArguments,
  changes: OperatorChanges,
): Promise<void> {
  const view = await withRegistry(context, args, async (registry) =>
    registry.update((await find(registry, name)).record.uuid, changes),
  );
  context.print(args, serviceJson(view), () => details(serviceJson(view)));
}

async function withRegistry<T>(
  context: CommandContext,
  args: ConfigurationArguments,
  work: (registry: ServiceRegistry, config: Config, log: Logger) => Promise<T>,
): Promise<T> {
  const config = await context.readConfiguration(args);
  refuseMissingDatabase(config);
  const log = context.log(config);
  const registry = await neededRegistry(config, { log, outside: true });
  try {
    return await work(registry, config, log);
  } finally {
    await registry.close();
  }
}

/** Says that services look down because the registry cannot be written, if this command cannot write it either: a full disk. */
async function tellStale({ store }: ServiceRegistry): Promise<void> {
  try {
    await store.checkWrite?.();
  } catch (error) {
    // This user may only read it.
    if (!(error instanceof RegistryUnavailable)) return;
    process.stderr.write(
      `The registry cannot be written, so the records may be stale, and services that are down here may be up. ${error.message}\n`,
    );
  }
}

/** A missing database has no records: these commands only query, and must not create an empty one elsewhere. */
function refuseMissingDatabase(config: Config): void {
  const known = registryConnection(config);
  if (known === undefined || config.group('servicegroup', servicegroupOptions).driver !== 'sqlite') return;
  checkConnection('sqlite', known);
  const path = sqlitePath(known.connection);
  if (path === ':memory:' || existsSync(path)) return;
  throw new PorticoError('PORTICO_NO_REGISTRY', {
    message: `there is no service registry at ${path}`,
    hint:
      'No service has registered there. If services run, they use another state_path or connection: does their unit ' +
      'set PORTICO_DEFAULT__STATE_PATH?',
  });
}

/** Finds a service by id, by `binary@host`, or by a binary that runs on one host only. */
async function find(registry: ServiceRegistry, name: string): Promise<ServiceView> {
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name)) return registry.show(name);
  const at = name.lastIndexOf('@');
  const filter = at === -1 ? { binary: name } : { binary: name.slice(0, at), host: name.slice(at + 1) };
  const found = await registry.list(filter);
  if (found.length === 1) return found[0]!;
  const views = found.length > 0 ? found : await registry.list();
  const known = views.map(({ record }) => `${record.binary}@${record.host}`);
  const candidates = at === -1 ? [...new Set(views.map(({ record }) => record.binary))] : known;
  const elsewhere = views.filter(({ record }) => at !== -1 && record.binary === name.slice(0, at));
  const near =
    found.length > 0
      ? 'Write binary@host, or its id.'
      : (didYouMean(name, candidates) ??
        (elsewhere.length > 0 ? `It runs on ${elsewhere.map(({ record }) => record.host).join(', ')}.` : undefined));
  throw new PorticoError('PORTICO_RECORD_NOT_FOUND', {
    message: found.length === 0 ? `no service is called ${name}` : `${name} runs on ${found.length} hosts`,
    hint: known.length === 0 ? NONE_REGISTERED : [near, `Services: ${known.join(', ')}.`].filter(Boolean).join(' '),
  });
}

const NONE_REGISTERED = 'No service has registered.';

/** Returns why a list is empty: no service has registered, or none matches the filter. */
function nothingFits(args: ListArguments, all: readonly ServiceView[]): string {
  if (all.length === 0) return NONE_REGISTERED;
  const hints = (['host', 'binary', 'topic'] as const).flatMap((column) => {
    const names = [...new Set(all.map(({ record }) => record[column] ?? ''))].filter((name) => name !== '');
    const wanted = args[column];
    if (wanted === undefined || names.includes(wanted)) return [];
    return [`no ${column} is called ${wanted}. ${nearestOrAll(wanted, names)}`];
  });
  return ['No service matches.', ...hints].join(' ');
}

function filterOf({ host, binary, topic, state, status }: ListArguments): ViewFilter {
  return Object.fromEntries(
    Object.entries({ host, binary, topic, state, status }).filter(([, value]) => value !== undefined),
  );
}

function table(services: readonly ServiceJson[], { columns }: CommandContext): string {
  const rows = [
    ['ID', 'BINARY', 'HOST', 'STATUS', 'STATE', 'LIFECYCLE', 'WORKERS', 'LAST SEEN'],
    ...services.map(({ id, binary, host, status, state, forced_down, lifecycle, workers, last_seen_up }) => [
      id,
      binary,
      host,
      status,
      forced_down ? `${state} (forced)` : state,
      lifecycle,
      `${workers.filter((worker) => worker.state === 'up').length}/${workers.length}`,
      last_seen_up ?? 'never',
    ]),
  ];
  return columns(rows).join('\n');
}

function details(service: ServiceJson): string {
  const { workers, ...facts } = service;
  const lines = Object.entries(facts).map(([name, value]) => `${name.padEnd(16)} ${value ?? '-'}`);
  const each = workers.map(({ worker, pid, state, last_seen_up, in_flight }) => {
    const name = `worker ${worker}`.padEnd(16);
    return `${name} ${state}, pid ${pid}, ${in_flight} in flight, last seen ${last_seen_up}`;
  });
  return [...lines, ...each].join('\n');
}

function registerDatabase(program: Command, { addCommand, example, log, readConfiguration }: CommandContext): void {
  const db = program
    .command('db')
    .description('the database of service records')
    .addHelpText('after', example('api-cli db sync'));
  const description = 'create or update its tables, before an upgrade';
  addCommand(db, 'sync', description, 'api-cli db sync').action(async (args: ConfigurationArguments) => {
    const config = await readConfiguration(args);
    const registry = openRegistry(config, { log: log(config) });
    if (registry === null) {
      process.stdout.write('no database is configured: nothing to do\n');
      return;
    }
    try {
      // SQLite migrates when it is opened, as a query does.
      const steps = (await registry.store.migrate?.()) ?? 0;
      await registry.store.list();
      const taken = steps === 0 ? '' : `, after ${steps} ${steps === 1 ? 'step' : 'steps'}`;
      process.stdout.write(`the tables are up to date${taken}\n`);
    } finally {
      await registry.close();
    }
  });
}
