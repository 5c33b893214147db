/**
 * The commands of `api-cli`. Bare, it serves the enabled APIs; its other commands read the same files, or ask a running
 * server. A command's file is loaded when it is named, so that serving imports nothing it does not need.
 */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { packageOf } from '../config/index.js';
import { describeError, didYouMean } from '../errors.js';
import { addCommonOptions, type ServeWords } from './command-line.js';
import { exitStatusOf, STATUS_REFUSED, STATUS_USAGE } from './exit-status.js';
import { refuseToEnd } from './unfinished.js';

/** A file of commands: adds one command, or a few that belong together, to the program. */
interface CommandFile {
  register(program: Command): void;
}

const COMMANDS: ReadonlyMap<string, () => Promise<CommandFile>> = new Map([
  ['serve', (): Promise<CommandFile> => import('./serve.js')],
  ['check', () => import('./check.js')],
  ['config', () => import('./config.js')],
  ['pipeline', () => import('./pipeline.js')],
  ['explain', () => import('./explain.js')],
  ['routes', () => import('./routes.js')],
  ['openapi', () => import('./openapi.js')],
  ['service', () => import('./service.js')],
  ['db', () => import('./db.js')],
  ['notify', () => import('./notify.js')],
  ['wait-ready', () => import('./notify.js')],
]);

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
    return await serve(plain.given, plain.traceErrors);
  } catch (error) {
    const { isWorker } = await import('../launch/index.js');
    // A worker's parent says what went wrong, and it alone: the error reaches it by the channel.
    if (isWorker()) throw error;
    process.stderr.write(
      `${words.includes('--trace-errors') && error instanceof Error ? error.stack : describeError(error)}\n`,
    );
    return exitStatusOf(error);
  }
}

async function parseCommand(words: readonly string[], named: string | undefined): Promise<number | undefined> {
  const { Command, CommanderError } = await import('commander');
  const program = new Command('api-cli')
    .description('Serves the APIs that portico.ini enables, each composed from api-paste.ini.')
    .version(version(), '--version', 'print the version and exit')
    .helpOption('-h, --help', 'say how to use this program or a command')
    .showSuggestionAfterError(true)
    .enablePositionalOptions(false)
    .exitOverride();
  addCommonOptions(program);

  const asked = named === 'help' ? words.slice(1).find((word) => !word.startsWith('-')) : undefined;
  if (asked !== undefined && asked !== 'help' && !COMMANDS.has(asked)) return unknownCommand(asked);
  const all = named === 'help' || (named === undefined && words.some((word) => word === '-h' || word === '--help'));
  const loads = all ? [...COMMANDS.values()] : [COMMANDS.get(named ?? 'serve')!];
  const files = new Set(await Promise.all(loads.map((load) => load())));
  for (const file of files) file.register(program);
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError(true);

  // Whoever serves loads the application in its workers, whose parent explains how they end.
  const serves = named === undefined || named === 'serve';
  const done = serves ? undefined : refuseToEnd(named, named === 'check' ? STATUS_REFUSED : 1, process);
  if (done !== undefined) endWithReader(done);
  try {
    await program.parseAsync(all || named !== undefined ? [...words] : ['serve', ...words], { from: 'user' });
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  } finally {
    done?.();
  }
}

/** Whoever reads the output has enough of it, as `head` does: nothing is wrong, and nothing is left to say. */
function endWithReader(done: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    done();
    process.exit();
  });
}

function unknownCommand(name: string): number {
  const hint = didYouMean(name, COMMANDS.keys()) ?? `Commands: ${[...COMMANDS.keys()].join(', ')}.`;
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
