/**
 * The command `api-cli`: parses its command line, and runs the named command. Without one it serves the enabled APIs; other commands read
 * the same files, or query a running server.
 */
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { errorText, nearestOrAll } from '../errors/index.js';
import { ownVersion } from '../modules/index.js';
import { exitLocation, withSourceLines } from '../process/index.js';
import { endSoon, exitStatusOf, failureText, STATUS_REFUSED, STATUS_USAGE } from './command-failure.js';
import { addCommonOptions, commandFirst, hasOption, type ServeArguments } from './command-line.js';
import { COMMANDS, type CommandFile } from './commands.js';

/** A line that has only options of `serve`, and its configuration. */
export interface ServeLine {
  readonly args: ServeArguments;
  readonly config: Promise<Config>;
}

/** Runs one command line and sets the exit status. `serves`: no other command is named; `line`: it needs no parser. */
export async function runCommand(words: readonly string[], serves: boolean, line?: ServeLine): Promise<void> {
  try {
    // Without the parser of all commands, a process that only supervises uses 0.8 MiB less.
    if (line === undefined) return await parseCommand(words, serves);
    const { serve } = await import('./serve/serve.js');
    process.exitCode = await serve(line.args, line.config);
  } catch (error) {
    const { isWorker } = await import('../launch/internal.js');
    // Only a worker's parent reports the error, which it gets through the channel.
    if (isWorker()) throw error;
    const traced = words.includes('--trace-errors') && error instanceof Error;
    process.stderr.write(`${traced ? withSourceLines(error.stack ?? '') : failureText(error)}\n`);
    process.exitCode = exitStatusOf(error);
  }
}

/** Loaded for a line that names a command. */
const ofExtensions = () => import('./commands-of-extensions.js');

const DESCRIPTION = `Serves the APIs that portico.ini enables, each composed from api-paste.ini. Its other name is portico.

Example:
  api-cli --enabled-apis compute,metadata --config-file portico.ini`;

/** Returns it with all its subcommands, as in the reference. */
export async function completeProgram(): Promise<Command> {
  const program = await newProgram();
  const shipped = await (await ofExtensions()).extensionCommands([]);
  await addCommands(program, [...COMMANDS.values(), ...shipped.commands.values()]);
  return program;
}

/** Returns the name by which the command was called: it has two. */
function calledName(): string {
  return basename(process.argv[1] ?? '') === 'portico' ? 'portico' : 'api-cli';
}

async function newProgram(hasVersion = true): Promise<Command> {
  const { Command, Help } = await import('commander');
  const program = new Command(calledName())
    .description(DESCRIPTION)
    // If no command is named, the options of serve belong to `api-cli`.
    .configureHelp({
      visibleOptions(command) {
        const own = Help.prototype.visibleOptions.call(this, command);
        const serve = command.parent === null ? command.commands.find((each) => each.name() === 'serve') : undefined;
        return [...(serve?.options ?? []), ...own];
      },
    })
    .helpOption('-h, --help', 'show help for this command or another')
    // The error has its text, which is printed below.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  if (hasVersion) program.version(ownVersion() ?? 'unknown', '--version', 'print the version and exit');
  return addCommonOptions(program);
}

/** Adds commands. `refused`: called with the error of each that cannot be added; default: throw. */
async function addCommands(
  program: Command,
  loads: readonly (() => Promise<CommandFile>)[],
  refused?: (error: unknown) => undefined,
): Promise<void> {
  const files = new Set(await Promise.all(loads.map((load) => load().catch(refused))));
  const { CONTEXT } = await ofExtensions();
  for (const file of files) {
    try {
      file?.register(program, CONTEXT);
    } catch (error) {
      if (refused === undefined) throw error;
      refused(error);
    }
  }
}

/** Help has the other commands, whatever a package of an extension lacks. */
function tellRefused(error: unknown): undefined {
  process.stderr.write(`warning: ${errorText(error)}\n`);
}

async function parseCommand(words: readonly string[], serving: boolean): Promise<void> {
  const [first] = words;
  const isBare = first === undefined || first.startsWith('-');
  const named = isBare ? 'serve' : first;
  const isHelp = named === 'help';
  const asked = isHelp ? (words.slice(1).find((word) => !word.startsWith('-')) ?? 'help') : named;
  const asksHelp = hasOption(words, '-h', '--help');
  const all = isHelp || (isBare && asksHelp);
  // A command of an extension, or all of them, need the list of the configuration.
  const others =
    all || !COMMANDS.has(asked)
      ? await (await ofExtensions()).extensionCommands(words)
      : { commands: new Map<string, () => Promise<CommandFile>>(), isWhole: true };
  const commands = new Map([...COMMANDS, ...others.commands]);
  if (asked !== 'help' && !commands.has(asked)) {
    const owner = await (await ofExtensions()).ownerOfCommand(asked);
    if (owner !== undefined) {
      return refuseUsage(
        `error: the command ${asked} belongs to ${owner}, which [DEFAULT] extensions leaves out. Remove -${owner} there.`,
      );
    }
    const unread = others.isWhole ? '' : ' Those of its extensions are not known: see api-cli check.';
    const known = `${nearestOrAll(asked, [...commands.keys()], 'Commands')}${unread}`;
    return refuseUsage((await import('./usage-text.js')).unknownCommandText(asked, known));
  }

  const { CommanderError } = await import('commander');
  const asksVersion = named !== 'openapi' && hasOption(words, '--version');
  // As a value it is no option of `api-cli`, nor for openapi, where it is the version of an API.
  const program = await newProgram(asksVersion || !words.includes('--version'));
  await addCommands(program, all ? [...commands.values()] : [commands.get(named)!], all ? tellRefused : undefined);
  const inner = program.commands.find((command) => command.name() === first)?.commands.map((command) => command.name());
  const rest =
    inner === undefined || inner.length === 0
      ? words.slice(1)
      : commandFirst(words.slice(1), (word) => inner.includes(word));

  // `serve` loads the application in its workers, and their parent reports their ends. Help and a version are output, as of any command.
  const serves = serving && !asksHelp && !asksVersion;
  if (!serves) keepOutputClean();
  const done = serves ? undefined : refuseToEnd(named, named === 'check' ? STATUS_REFUSED : 1);
  if (done !== undefined) endWithReader(done);
  try {
    const ordered = isBare ? (all ? words : ['serve', ...words]) : [named, ...rest];
    await program.parseAsync(ordered, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    // The help of a command without its subcommand is printed already.
    if (error.code === 'commander.help') process.exitCode = STATUS_USAGE;
    else refuseUsage((await import('./usage-text.js')).usageText(error, words));
  } finally {
    done?.();
    // Handles that an application opened at import must not keep the process alive.
    if (!serves) endSoon();
  }
}

/** Standard output belongs to the command: console output of the application while it is loaded goes to standard error. */
function keepOutputClean(): void {
  const { error } = console;
  Object.assign(console, { log: error, info: error, debug: error });
}

function refuseUsage(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = STATUS_USAGE;
}

/** The reader of the output has closed it, as `head` does: not an error, and the rest is dropped. */
function endWithReader(done: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    done();
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`error: standard output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
}

/**
 * Until the returned function is called, an exit of the process is a failure: it reports the command and the location of the exit, and sets
 * `status`, whatever status the application has requested.
 */
function refuseToEnd(command: string, status: number): () => void {
  const ended = (asked: number): void => {
    const place = exitLocation();
    const why =
      place === undefined
        ? 'something it waits for never settles: is there a top-level await in a module?'
        : `${place}: process.exit(${asked}) ended it while the application was being loaded.\n  A module must not end the process that imports it: throw an error instead, or do it in the main module.`;
    process.stderr.write(`error: api-cli ${command} did not finish: ${why}\n`);
    process.exitCode = status;
  };
  process.on('exit', ended);
  return () => process.off('exit', ended);
}
