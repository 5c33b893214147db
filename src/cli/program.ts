/**
 * The commands of `api-cli`. Bare, it serves the enabled APIs; its other commands read the same files, or ask a running
 * server. A command's file is loaded when it is named, so that serving imports nothing it does not need.
 */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { nearestOrAll } from '../errors/index.js';
import { packageOf } from '../modules/index.js';
import { exitPlace } from '../process/index.js';
import { addCommonOptions, type COMMAND_NAMES, commandFirst, type ServeWords } from './command-line.js';
import { exitStatusOf, failureText, STATUS_REFUSED, STATUS_USAGE } from './failure.js';

/** A file of commands: adds one command, or a few that belong together, to the program. */
interface CommandFile {
  register(program: Command): void;
}

const FILES: Readonly<Record<(typeof COMMAND_NAMES)[number], () => Promise<CommandFile>>> = {
  serve: () => import('./serve.js'),
  init: () => import('./init.js'),
  check: () => import('./check.js'),
  config: () => import('./config.js'),
  pipeline: () => import('./pipeline.js'),
  explain: () => import('./explain.js'),
  request: () => import('./request.js'),
  routes: () => import('./routes.js'),
  openapi: () => import('./openapi.js'),
  generate: () => import('./generate.js'),
  service: () => import('./service.js'),
  db: () => import('./service.js'),
  rpc: () => import('./rpc.js'),
  notify: () => import('./notify.js'),
  'wait-ready': () => import('./notify.js'),
  status: () => import('./control.js'),
  requests: () => import('./control.js'),
  reload: () => import('./control.js'),
  scale: () => import('./control.js'),
  restart: () => import('./control.js'),
  stop: () => import('./control.js'),
  'log-level': () => import('./control.js'),
  report: () => import('./control.js'),
  completion: () => import('./completion.js'),
};
const COMMANDS: ReadonlyMap<string, () => Promise<CommandFile>> = new Map(Object.entries(FILES));

/**
 * Runs one command line; gives the exit status, or undefined where the command has set it. `plain`: the line has nothing but
 * options of `serve`, which are these; without the parser of all commands a process that only supervises takes 0.8 MiB less.
 */
export async function runCommand(words: readonly string[], plain?: ServeWords): Promise<number | undefined> {
  const named = commandWord(words);
  if (named !== undefined && !COMMANDS.has(named) && named !== 'help') {
    return unknownCommand(named);
  }
  try {
    if (plain === undefined) return await parseCommand(words, named);
    const { serve } = await import('./serve.js');
    return await serve(plain.args, plain.traceErrors);
  } catch (error) {
    const { isWorker } = await import('../launch/internal.js');
    // A worker's parent says what went wrong, and it alone: the error reaches it by the channel.
    if (isWorker()) throw error;
    const traced = words.includes('--trace-errors') && error instanceof Error;
    process.stderr.write(`${traced ? error.stack : failureText(error)}\n`);
    return exitStatusOf(error);
  }
}

const DESCRIPTION = `Serves the APIs that portico.ini enables, each composed from api-paste.ini.

Example:
  api-cli --enabled-apis compute,metadata --config-file portico.ini`;

/** The program with all its commands, as the reference has them. */
export async function completeProgram(): Promise<Command> {
  const program = await newProgram();
  await addCommands(program, [...COMMANDS.values()]);
  return program;
}

async function newProgram(named?: string): Promise<Command> {
  const { Command, Help } = await import('commander');
  const program = new Command('api-cli')
    .description(DESCRIPTION)
    // Options of serve are the program's where no command is named.
    .configureHelp({
      visibleOptions(command) {
        const own = Help.prototype.visibleOptions.call(this, command);
        const serve = command.parent === null ? command.commands.find((each) => each.name() === 'serve') : undefined;
        return [...(serve?.options ?? []), ...own];
      },
    })
    .helpOption('-h, --help', 'say how to use this program or a command')
    .showSuggestionAfterError(true)
    .enablePositionalOptions(false)
    // What it has to say is in the error, and said below.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  // Of openapi it names the version of an API.
  if (named !== 'openapi') program.version(version(), '--version', 'print the version and exit');
  return addCommonOptions(program);
}

async function addCommands(program: Command, loads: readonly (() => Promise<CommandFile>)[]): Promise<void> {
  const files = new Set(await Promise.all(loads.map((load) => load())));
  for (const file of files) file.register(program);
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError(true);
}

async function parseCommand(words: readonly string[], named: string | undefined): Promise<number | undefined> {
  const { CommanderError } = await import('commander');
  const program = await newProgram(named);
  const asked = named === 'help' ? words.slice(1).find((word) => !word.startsWith('-')) : undefined;
  if (asked !== undefined && asked !== 'help' && !COMMANDS.has(asked)) return unknownCommand(asked);
  const all =
    named === 'help' ||
    named === 'completion' ||
    (named === undefined && words.some((word) => word === '-h' || word === '--help'));
  await addCommands(program, all ? [...COMMANDS.values()] : [COMMANDS.get(named ?? 'serve')!]);
  const inner = program.commands.find((command) => command.name() === named)?.commands.map((command) => command.name());
  const rest = inner === undefined || inner.length === 0 ? words.slice(1) : commandFirst(words.slice(1), inner);

  // `serve` loads the application in its workers, and their parent explains how they end.
  const serves = named === undefined || named === 'serve';
  const done = serves ? undefined : refuseToEnd(named, named === 'check' ? STATUS_REFUSED : 1, process);
  if (done !== undefined) endWithReader(done);
  try {
    const ordered = named === undefined ? (all ? words : ['serve', ...words]) : [named, ...rest];
    await program.parseAsync(ordered, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    // The help that a command without its subcommand gives is printed already.
    if (error.code !== 'commander.help') process.stderr.write(`${await usageText(error, words)}\n`);
    return STATUS_USAGE;
  } finally {
    done?.();
  }
}

/** The reader of the output has closed it, as `head` does: no error, and the rest of the output is dropped. */
function endWithReader(done: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    done();
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`error: standard output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
}

/** What is wrong with a command line; options that only the configuration has come with how they are set here. */
async function usageText(
  { code, message }: { code: string; message: string },
  words: readonly string[],
): Promise<string> {
  const flag = code === 'commander.unknownOption' ? /'(--[^'=]+)/.exec(message)?.[1] : undefined;
  if (flag === undefined) return message;
  const { settingsFor } = await import('./settings-for.js');
  // An option of the command line that comes near is more likely what was meant than one of the configuration.
  const settings = await settingsFor(flag, words, message.includes('Did you mean'));
  return settings === undefined ? message : `error: there is no option ${flag} on the command line\n  ${settings}`;
}

function unknownCommand(name: string): number {
  const hint = nearestOrAll(name, [...COMMANDS.keys()], 'Commands');
  process.stderr.write(`error: there is no command "${name}". ${hint}\n`);
  return STATUS_USAGE;
}

/** The first word that names a command: the first that is no option, where no command takes its value apart from it. */
function commandWord(words: readonly string[]): string | undefined {
  const first = words[0];
  return first === undefined || first.startsWith('-') ? undefined : first;
}

function version(): string {
  return packageOf(fileURLToPath(import.meta.url))?.manifest.version ?? 'unknown';
}

/** The part of `process` that is needed. */
interface EndingProcess {
  on(event: 'exit', listener: (status: number) => void): unknown;
  off(event: 'exit', listener: (status: number) => void): unknown;
  exitCode?: number | string | null | undefined;
  readonly stderr: { write(text: string): unknown };
}

/**
 * Until the function it gives is called, the end of the process is a failure: it says what ended the command and where, and
 * the status is `status`, whatever the application has asked for.
 */
function refuseToEnd(command: string, status: number, host: EndingProcess): () => void {
  const ended = (asked: number): void => {
    const place = exitPlace();
    const why =
      place === undefined
        ? 'something it waits for never settles, and nothing else is left to do: a top-level await of a module?'
        : `${place}: process.exit(${asked}) ended it while the application was loaded.\n  A module must not end the process that imports it: throw an error instead, or do it in the program.`;
    host.stderr.write(`error: api-cli ${command} did not come to its end: ${why}\n`);
    host.exitCode = status;
  };
  host.on('exit', ended);
  return () => host.off('exit', ended);
}
