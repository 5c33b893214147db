/**
 * The commands that ask a running service, or tell it to do something, by its control socket.
 */
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { PorticoError } from '../errors/index.js';
import type { ReloadReport } from '../launch/index.js';
import { controlPath, type StatusDocument } from '../launch/internal.js';
import { LOG_LEVELS } from '../log/index.js';
import { choice, columns, example, print, wholeNumber } from './command.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';
import { ArgumentRefused } from './failure.js';
import { statusText } from './status-text.js';

interface ControlArguments extends ConfigurationArguments {
  readonly socket?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  add(program, 'status', 'show the services of a running api-cli, their workers and what they do', 'status --watch')
    .option('--watch', 'show it again each second')
    .action(async (args: ControlArguments & { watch?: boolean }) => {
      const path = await socketOf(args);
      do {
        const document = await ask<StatusDocument>(path, 'GET', '/status');
        const clear = args.watch === true && process.stdout.isTTY ? CLEAR : '';
        print(args, document, () => `${clear}${statusText(document)}`);
        if (args.watch === true) await new Promise((resolve) => setTimeout(resolve, 1000));
      } while (args.watch === true);
    });

  add(program, 'requests', 'list the requests that are being served, the oldest first', 'requests').action(
    async (args: ControlArguments) => {
      const document = await ask<{ requests: readonly ShownRequest[] }>(await socketOf(args), 'GET', '/requests');
      print(args, document, () => requestsText(document.requests));
    },
  );

  add(program, 'reload', 'read the files again, as HUP does; wait for it, and say what came of it', 'reload --dry-run')
    .option('--dry-run', 'only say what would come of it: everything is checked as for a reload, and nothing changed')
    .addHelpText('after', '\nStatus: 0 accepted, 1 refused or incomplete.')
    .action(async (args: ControlArguments & { dryRun?: boolean }) => {
      const path = args.dryRun ? '/reload/dry-run' : '/reload';
      const report = await post<ReloadReport>(args, path);
      print(args, report, () => reloadText(report));
      process.exitCode = report.outcome === 'accepted' ? 0 : 1;
    });

  add(
    program,
    'scale <service> <workers>',
    'change the number of workers of a service, until the next start',
    'scale compute 4',
  ).action(async (service: string, count: string, args: ControlArguments) => {
    const workers = wholeNumber('<workers>')(count);
    const done = await post(args, '/scale', { service, workers });
    print(args, done, () => `${service} has ${workers} ${workers === 1 ? 'worker' : 'workers'}`);
  });

  add(
    program,
    'restart <service>',
    'replace the workers of a service one by one, with the configuration in force',
    'restart compute',
  ).action(async (service: string, args: ControlArguments) => {
    const done = await post<{ replaced: number; failures: readonly string[] }>(args, '/restart', { service });
    print(args, done, () => [`${service}: ${done.replaced} workers replaced`, ...done.failures].join('\n'));
    process.exitCode = done.failures.length === 0 ? 0 : 1;
  });

  add(program, 'stop', 'stop a running api-cli gracefully, as TERM does', 'stop').action(
    async (args: ControlArguments) => {
      const done = await post(args, '/stop');
      print(args, done, () => 'It stops.');
    },
  );

  add(program, 'log-level', 'change the level of the log, until the next reload', 'log-level debug --api compute')
    .argument('<level>', LOG_LEVELS.join(', '), choice('<level>', LOG_LEVELS))
    .option('--api <name>', 'of the workers of this service alone')
    .action(async (level: string, args: ControlArguments & { api?: string }) => {
      const done = await post(args, '/log-level', { level, service: args.api });
      print(args, done, () => `The log level${args.api === undefined ? '' : ` of ${args.api}`} is ${level}.`);
    });

  add(
    program,
    'report',
    'print the report that USR2 makes: threads, tasks, requests, configuration',
    'report --worker 4711',
  )
    .option('--worker <pid>', 'of this worker alone', wholeNumber('--worker'))
    .action(async (args: ControlArguments & { worker?: number }) => {
      const report = await post<string>(args, '/report', { worker: args.worker });
      print(args, { report }, () => report);
    });
}

const CLEAR = '\u001b[H\u001b[J';

function add(program: Command, name: string, description: string, line: string): Command {
  const command = program
    .command(name)
    .description(description)
    .option('--socket <path>', 'the control socket of the service (default: that of its configuration)')
    .option('--json', 'print JSON');
  return addConfigurationOptions(command).addHelpText('after', example(`api-cli ${line}`));
}

/** The socket of the service that is meant, once that has answered. Rejects with `PORTICO_NOT_RUNNING` for that of another one. */
async function socketOf(args: ControlArguments): Promise<string> {
  if (args.socket !== undefined) return args.socket;
  const config: Config = await readConfiguration(args, { collect: true });
  const path = controlPath(config, 'api-cli', process.env);
  if (path === undefined) {
    throw new PorticoError('PORTICO_CONTROL_SOCKET', {
      message: 'the configuration wants no control socket: [control] socket is empty',
      hint: 'Name a path there and restart the service, or send it signals.',
    });
  }
  const named = config.getLocation('control', 'socket').kind !== 'default';
  const asked = ask<StatusDocument>(path, 'GET', '/status');
  // A program that embeds its services has a socket of its own name.
  const embedded =
    named ||
    (await asked.then(
      ({ process: one }) => isMeant(one, config),
      () => false,
    ))
      ? undefined
      : await embeddedHere(dirname(path), config);
  if (embedded !== undefined) return embedded;
  const { process: running } = await asked;
  if (!isMeant(running, config)) {
    const { pid, folder, configFiles } = running;
    throw new PorticoError('PORTICO_NOT_RUNNING', {
      message: `the service on ${path}, pid ${pid}, is another one: it was started in ${folder} with ${configFiles.join(', ') || 'no configuration file'}`,
      hint: `Go to its folder, or name the socket where you mean this service (--socket ${path}).`,
    });
  }
  return path;
}

/** The socket of a program that was started in this folder, or with this configuration; undefined for none. Rejects where there are several. */
async function embeddedHere(directory: string, config: Config): Promise<string | undefined> {
  const names = readdirSync(directory).filter((name) => /^portico-.*\.sock$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      // A socket that is left of a program, and one that is silent, are none.
      const document = await ask<StatusDocument>(path, 'GET', '/status', {}, OTHERS_MS).catch(() => undefined);
      const running = document?.process;
      const isHere = running !== undefined && (isMeant(running, config) || running.folder === process.cwd());
      return isHere ? [{ path, running }] : [];
    }),
  );
  const [first, ...others] = found.flat();
  if (others.length === 0) return first?.path;
  const told = found.flat().map(({ path, running: { name, pid } }) => `${name} (pid ${pid}): --socket ${path}`);
  throw new PorticoError('PORTICO_NOT_RUNNING', {
    message: `several programs were started in this folder: ${told.map((each) => each.split(': ')[0]).join(', ')}`,
    hint: `Name the socket of one: ${told.join('; ')}.`,
  });
}

/** A service has a file in common with what the command line means, or neither has any and the folder is the same. */
function isMeant({ folder, configFiles }: StatusDocument['process'], config: Config): boolean {
  if (config.getLocation('control', 'socket').kind === 'environment') return true;
  if (configFiles.length === 0 && config.configFiles.length === 0) return folder === process.cwd();
  return configFiles.some((file) => config.configFiles.includes(file));
}

async function post<T>(args: ControlArguments, url: string, body?: object): Promise<T> {
  return ask(await socketOf(args), 'POST', url, body);
}

/** A service answers from what it knows: one that is silent for so long does not answer. */
const ANSWER_MS = 5000;
/** Of several, only one of which is meant, each has less. */
const OTHERS_MS = 1000;

/**
 * Asks, and gives the answer; rejects with what the service refused, or with `PORTICO_NOT_RUNNING`. What changes something takes
 * its time, so there the service is first asked whether it answers.
 */
async function ask<T>(path: string, method: string, url: string, body: object = {}, answerMs = ANSWER_MS): Promise<T> {
  if (method !== 'GET') await ask(path, 'GET', '/healthz');
  const signal = method === 'GET' ? AbortSignal.timeout(answerMs) : undefined;
  const headers = { 'content-type': 'application/json' };
  const asked = request({ socketPath: path, method, path: url, headers, ...(signal && { signal }) });
  asked.end(method === 'POST' ? JSON.stringify(body) : undefined);
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve).on('error', reject);
  });
  const refused = (cause: NodeJS.ErrnoException): never => {
    throw notRunning(path, cause);
  };
  const answer = await response.catch(refused);
  const said = await text(answer).catch(refused);
  const value: unknown = answer.headers['content-type'] === 'application/json' ? JSON.parse(said) : said;
  if (answer.statusCode === 200) return value as T;
  const { error } = (value ?? {}) as { error?: { code: string; message: string; hint?: string } };
  const Refused = answer.statusCode === 400 ? ArgumentRefused : PorticoError;
  throw new Refused(error?.code ?? 'PORTICO_CONTROL_FAILED', { message: error?.message ?? said, hint: error?.hint });
}

function notRunning(path: string, cause: NodeJS.ErrnoException): PorticoError {
  const isAbsent = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED';
  const isSilent = cause.name === 'AbortError';
  const why = isAbsent
    ? 'nothing listens there'
    : isSilent
      ? `what listens there has not answered for ${ANSWER_MS / 1000} seconds`
      : cause.message;
  return new PorticoError('PORTICO_NOT_RUNNING', {
    message: `no service can be asked on ${path}: ${why}`,
    hint: 'Name the configuration it was started with (--config-file), or its socket, which its log has (--socket).',
    cause,
  });
}

interface ShownRequest {
  readonly ageMs: number;
  readonly method: string;
  readonly path: string;
  readonly service: string;
  readonly worker: number;
  readonly requestId?: string;
  readonly route?: string;
  readonly filter?: string;
  readonly peer?: string;
}

function requestsText(requests: readonly ShownRequest[]): string {
  if (requests.length === 0) return 'No request is being served.';
  const rows = requests.map(
    ({ ageMs, method, path, service, worker, filter, requestId = '-', route = '-', peer = '-' }) => [
      `${(ageMs / 1000).toFixed(1)} s`,
      `${service}/${worker}`,
      method,
      path,
      filter === undefined ? route : `${route} in ${filter}`,
      requestId,
      peer,
    ],
  );
  return columns([['age', 'worker', 'method', 'path', 'route', 'request id', 'from'], ...rows]).join('\n');
}

function reloadText(report: ReloadReport): string {
  const { outcome, error, changes, pipelines, replaced, added, removed, durationMs, generation, dryRun } = report;
  const what = dryRun ? `would be ${outcome}, checked in` : `${outcome} after`;
  const then = `configuration ${generation}${dryRun ? ' stays' : ''}${error === undefined ? '' : `: ${error}`}`;
  const lines = [`${what} ${durationMs} ms, ${then}`];
  const done = dryRun ? 'to be ' : '';
  for (const { option, old, new: now, where, effect } of changes) {
    lines.push(`  ${option}: ${old} -> ${now} (${where}), ${effect}`);
  }
  for (const { pipeline, ...parts } of pipelines) {
    const told = Object.entries(parts).filter(([, names]) => names.length > 0);
    lines.push(`  ${pipeline}: ${told.map(([how, names]) => `${how} ${names.join(', ')}`).join('; ')}`);
  }
  for (const [service, count] of Object.entries(replaced)) lines.push(`  ${service}: ${count} workers ${done}replaced`);
  if (added.length > 0) lines.push(`  ${done}added: ${added.join(', ')}`);
  if (removed.length > 0) lines.push(`  ${done}removed: ${removed.join(', ')}`);
  return lines.join('\n');
}
