/**
 * The program `api-cli`: its command line is parsed, and the command done that it names. Bare, it serves the enabled APIs; its
 * other commands read the same files, or ask a running server.
 */
import type { Command } from 'commander';
import { nearestOrAll } from '../errors/index.js';
import { ownVersion } from '../modules/index.js';
import { exitPlace } from '../process/index.js';
import { addCommonOptions, commandFirst, serveArguments } from './command-line.js';
import { COMMANDS, type CommandFile } from './commands.js';
import { endSoon, exitStatusOf, failureText, STATUS_REFUSED, STATUS_USAGE } from './failure.js';

/** Runs one command line and sets the exit status. `serves`: no other command is named. */
export async function runCommand(words: readonly string[], serves: boolean): Promise<void> {
  try {
    // Without the parser of all commands a process that only supervises takes 0.8 MiB less.
    const plain = serves ? serveArguments(words) : undefined;
    if (plain === undefined) return await parseCommand(words, serves);
    const { serve } = await import('./serve.js');
    process.exitCode = await serve(plain);
  } catch (error) {
    const { isWorker } = await import('../launch/internal.js');
    // A worker's parent says what went wrong, and it alone: the error reaches it by the channel.
    if (isWorker()) throw error;
    const traced = words.includes('--trace-errors') && error instanceof Error;
    process.stderr.write(`${traced ? error.stack : failureText(error)}\n`);
    process.exitCode = exitStatusOf(error);
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
    .helpOption('-h, --help', 'show help for this program or a command')
    // The error has its text, which is printed below.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  // Of openapi it names the version of an API.
  if (named !== 'openapi') program.version(ownVersion() ?? 'unknown', '--version', 'print the version and exit');
  return addCommonOptions(program);
}

async function addCommands(program: Command, loads: readonly (() => Promise<CommandFile>)[]): Promise<void> {
  const files = new Set(await Promise.all(loads.map((load) => load())));
  for (const file of files) file.register(program);
}

async function parseCommand(words: readonly string[], serves: boolean): Promise<void> {
  const [first] = words;
  const isBare = first === undefined || first.startsWith('-');
  const named = isBare ? 'serve' : first;
  const isHelp = named === 'help';
  const asked = isHelp ? (words.slice(1).find((word) => !word.startsWith('-')) ?? 'help') : named;
  if (asked !== 'help' && !COMMANDS.has(asked)) {
    return refuseUsage(
      `error: there is no command "${asked}". ${nearestOrAll(asked, [...COMMANDS.keys()], 'Commands')}`,
    );
  }

  const { CommanderError } = await import('commander');
  const program = await newProgram(named);
  const all = isHelp || named === 'completion' || (isBare && words.some((word) => word === '-h' || word === '--help'));
  await addCommands(program, all ? [...COMMANDS.values()] : [COMMANDS.get(named)!]);
  const inner = program.commands.find((command) => command.name() === first)?.commands.map((command) => command.name());
  const rest = inner === undefined || inner.length === 0 ? words.slice(1) : commandFirst(words.slice(1), inner);

  // `serve` loads the application in its workers, and their parent explains how they end.
  if (!serves) keepOutputClean();
  const done = serves ? undefined : refuseToEnd(named, named === 'check' ? STATUS_REFUSED : 1);
  if (done !== undefined) endWithReader(done);
  try {
    const ordered = isBare ? (all ? words : ['serve', ...words]) : [named, ...rest];
    await program.parseAsync(ordered, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    // The help that a command without its subcommand gives is printed already.
    if (error.code === 'commander.help') process.exitCode = STATUS_USAGE;
    else refuseUsage(await (await import('./usage-text.js')).usageText(error, words));
  } finally {
    done?.();
    // Handles that an application opened at import, and forgets, do not hold the process.
    if (!serves) endSoon();
  }
}

/** Standard output is the command's: what the application logs to the console while it is loaded goes to standard error. */
function keepOutputClean(): void {
  const { error } = console;
  Object.assign(console, { log: error, info: error, debug: error });
}

function refuseUsage(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = STATUS_USAGE;
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

/**
 * Until the function it gives is called, the end of the process is a failure: it says what ended the command and where, and
 * the status is `status`, whatever the application has asked for.
 */
function refuseToEnd(command: string, status: number): () => void {
  const ended = (asked: number): void => {
    const place = exitPlace();
    const why =
      place === undefined
        ? 'something it waits for never settles: is there a top-level await in a module?'
        : `${place}: process.exit(${asked}) ended it while the application was being loaded.\n  A module must not end the process that imports it: throw an error instead, or do it in the program.`;
    process.stderr.write(`error: api-cli ${command} did not finish: ${why}\n`);
    process.exitCode = status;
  };
  process.on('exit', ended);
  return () => process.off('exit', ended);
}
