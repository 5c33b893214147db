/** Commands that ask or control a running service through its control socket: `status`, `requests`, `reload`, `scale` and others. */
import type { Command } from 'commander';
import { LOG_LEVELS } from '../log/index.js';
import type { ReloadReport } from '../operating/index.js';
import type { ShownRequest, StatusDocument } from '../operating/internal.js';
import { countText } from '../text/index.js';
import { choice, columns, example, print, wholeNumber } from './command.js';
import { addConfigurationOptions } from './command-line.js';
import { type MeantService, socketOf } from './configured/find-service.js';
import { ask } from './control-client.js';
import { statusText } from './look/status-text.js';

export function register(program: Command): void {
  add(program, 'status', 'show the running services and the state of their workers', 'status --watch')
    .option('--watch', 'refresh every second')
    .action(async (args: MeantService & { watch?: boolean }) => {
      const path = await socketOf(args);
      do {
        const document = await ask<StatusDocument>(path, 'GET', '/status?extensions');
        const clear = args.watch === true && process.stdout.isTTY ? CLEAR : '';
        print(args, document, () => `${clear}${statusText(document)}`);
        if (args.watch === true) await new Promise((resolve) => setTimeout(resolve, 1000));
      } while (args.watch === true);
    });

  add(program, 'requests', 'list open requests, oldest first', 'requests').action(async (args: MeantService) => {
    const document = await ask<{ requests: readonly ShownRequest[] }>(await socketOf(args), 'GET', '/requests');
    print(args, document, () => requestsText(document.requests));
  });

  add(program, 'reload', 'reload as SIGHUP does, and list what clients notice', 'reload --dry-run', NAMED)
    .option('--dry-run', 'check everything as for a reload, but change nothing')
    .addHelpText('after', '\nStatus: 0 accepted, 1 refused or incomplete.')
    .action(async (args: MeantService & { dryRun?: boolean }) => {
      const socket = await socketOf(args, NAMED);
      // Only this command compares states, which loads much.
      const { comparedReload } = await import('./plan/reload-differences.js');
      const { reloadText } = await import('./plan/reload-text.js');
      const path = args.dryRun ? '/reload/dry-run' : '/reload';
      const report = await comparedReload(socket, () => ask<ReloadReport>(socket, 'POST', path));
      print(args, report, () => reloadText(report));
      process.exitCode = report.outcome === 'accepted' ? 0 : 1;
    });

  add(
    program,
    'scale <service> <workers>',
    'change the number of workers of a service until the next start, or until the files have another number',
    'scale compute 4',
    NAMED,
  ).action(async (service: string, count: string, args: MeantService) => {
    const workers = wholeNumber('<workers>')(count);
    const done = await change(args, '/scale', { service, workers });
    print(args, done, () => `${service} has ${countText(workers, 'worker')}`);
  });

  add(
    program,
    'restart <service>',
    'replace the workers of a service, as a reload does, with the present configuration',
    'restart compute',
    NAMED,
  ).action(async (service: string, args: MeantService) => {
    const done = await change<Restarted>(args, '/restart', { service });
    print(args, done, () => restartText(service, done));
    process.exitCode = done.failures.length === 0 ? 0 : 1;
  });

  add(program, 'stop', 'stop gracefully, as SIGTERM does', 'stop', NAMED).action(async (args: MeantService) => {
    const done = await change(args, '/stop');
    print(args, done, () => 'Stopping: open requests finish first.');
  });

  add(
    program,
    'log-level',
    'change the level of the log until the next accepted reload',
    'log-level debug --api compute',
    NAMED,
  )
    .argument('<level>', LOG_LEVELS.join(', '), choice('<level>', LOG_LEVELS))
    .option('--api <name>', 'only for this service')
    .action(async (level: string, args: MeantService & { api?: string }) => {
      const done = await change(args, '/log-level', { level, service: args.api });
      print(args, done, () => `The log level${args.api === undefined ? '' : ` of ${args.api}`} is ${level}.`);
    });

  add(program, 'report', 'print the report of SIGUSR2: threads, tasks, requests, configuration', 'report --worker 4711')
    .option('--worker <pid>', 'only for this worker', wholeNumber('--worker'))
    .action(async (args: MeantService & { worker?: number }) => {
      const report = await ask<string>(await socketOf(args), 'POST', '/report', { worker: args.worker });
      print(args, { report }, () => report);
    });
}

/** The service that a command changes must be named: by its configuration, its folder or its socket. */
const NAMED = { allowUnnamed: false };

const CLEAR = '\u001b[H\u001b[J';

function add(
  program: Command,
  name: string,
  description: string,
  line: string,
  { allowUnnamed = true }: { readonly allowUnnamed?: boolean } = {},
): Command {
  const found = `that of the service with this configuration${allowUnnamed ? ', of this folder, or the only one that runs' : ', or of this folder'}`;
  const command = program
    .command(name)
    .description(description)
    .option('--socket <path>', `the control socket of the service (default: ${found})`)
    .option('--json', 'print JSON');
  return addConfigurationOptions(command).addHelpText('after', example(`api-cli ${line}`));
}

async function change<T>(args: MeantService, url: string, body?: object): Promise<T> {
  return ask(await socketOf(args, NAMED), 'POST', url, body);
}

interface Restarted {
  readonly replaced: number;
  readonly failures: readonly string[];
  /** Options whose changes take effect only when the parent restarts. */
  readonly left: readonly string[];
}

function restartText(service: string, { replaced, failures, left }: Restarted): string {
  const still = left.length === 0 ? [] : [`Not applied, stop the service and start it: ${left.join(', ')}`];
  return [`${service}: ${countText(replaced, 'worker')} replaced`, ...failures, ...still].join('\n');
}

function requestsText(requests: readonly ShownRequest[]): string {
  if (requests.length === 0) return 'No request is being served.';
  const rows = requests.map(
    ({ ageMs, method, path, service, worker, filter, requestId = '-', route = '-', peer = '-', ...request }) => [
      `${(ageMs / 1000).toFixed(1)} s`,
      `${service}/${worker}`,
      method,
      path,
      filter === undefined ? route : `${route} in ${filter}`,
      doing(request),
      requestId,
      peer,
    ],
  );
  return columns([['age', 'worker', 'method', 'path', 'route', 'doing', 'request id', 'from'], ...rows]).join('\n');
}

const DOING: Readonly<Record<string, string>> = {
  filters: 'in its filters',
  queue: 'waits for the concurrency limit',
  handler: 'handler works',
  alone: 'handler works, its client has left',
  body: 'body comes',
  client: 'client does not read',
  stream: 'waits for its next part',
};

/** Describes the state of a request: `handler works, 3.2 s`. A parent of an older version has only the slot. */
function doing({ state, stateMs = 0, slot = '-' }: Pick<ShownRequest, 'state' | 'stateMs' | 'slot'>): string {
  return state === undefined ? slot : `${DOING[state] ?? state}, ${(stateMs / 1000).toFixed(1)} s`;
}
