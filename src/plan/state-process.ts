/**
 * Builds a state in a child process, with its directory as working directory and the Portico that is installed there: code of two revisions
 * cannot be loaded into one process.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ignoreErrors, PorticoError } from '../errors/index.js';
import { ownFile } from '../process/index.js';
import { printableLines } from '../text/index.js';
import { atEnd } from './at-end.js';
import type { State } from './state.js';

/** Directory of a state, and the arguments that name its configuration. */
export interface StateSource {
  /** For messages: `main`, `the working tree`, `../old`. */
  readonly label: string;
  readonly folder: string;
  /** `--config-file`, `--config-dir` and `--set` with their values. */
  readonly args: readonly string[];
}

/** Returns the command `api-cli` for a directory: that of the Portico that its code imports, else this one. */
function programOf(folder: string): string {
  const manifest = ignoreErrors(() => createRequire(join(folder, 'package.json')).resolve('portico/package.json'));
  const own = fileURLToPath(ownFile('cli/main.js'));
  if (manifest === undefined) return own;
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin?: Readonly<Record<string, string>> };
  return bin?.['api-cli'] === undefined ? own : join(dirname(manifest), bin['api-cli']);
}

/** Longest time that a state may take. */
export const LONGEST_MS = 300_000;

/** Returns the result of a child; after `LONGEST_MS` ends it, and throws. `what`: what it did not do. */
export async function inTime<T>(work: Promise<T>, end: () => void, what: string): Promise<T> {
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    end();
  }, LONGEST_MS);
  const result = await work.finally(() => clearTimeout(limit));
  if (!isLate) return result;
  throw new PorticoError('PORTICO_PLAN_STATE', {
    message: `${what} within ${LONGEST_MS / 1000} s`,
    hint: 'Is there an endless loop, or does its code wait for something that this machine does not have?',
  });
}

/** Returns the error for a child without a result. `said`: what it has printed. */
export function refusal(what: string, said: string, hintFor: (said: string) => string | undefined): PorticoError {
  const why = printableLines(said.trim());
  const message = `${what}:\n${why.replaceAll(/^/gm, '    ')}`;
  return new PorticoError('PORTICO_PLAN_STATE', { message, hint: hintFor(why) });
}

/** A child process that works in a state. `end` kills it, as the end of this process does: it may be in an endless loop. */
interface StateChild {
  readonly child: ChildProcess;
  end(): void;
}

/** Starts `api-cli plan` with `words` in the directory of a state. */
export function spawnIn({ folder, args }: StateSource, words: readonly string[], stdio: StdioOptions): StateChild {
  // A debugger would use the port of this process.
  const execArgv = process.execArgv.filter((word) => !word.startsWith('--inspect'));
  const child = spawn(process.execPath, [...execArgv, programOf(folder), 'plan', ...words, ...args], {
    cwd: folder,
    stdio,
  });
  return { child, end: atEnd(() => void child.kill('SIGKILL')) };
}

/** Returns a state as the line that a child prints among what its application prints. */
export function stateLine(state: State): string {
  return `\n${JSON.stringify(state)}\n`;
}

function stateIn(printed: string): State | undefined {
  const line = printed.split('\n').findLast((each) => each.startsWith('{"schema":"portico/state"'));
  return line === undefined ? undefined : (JSON.parse(line) as State);
}

/**
 * Builds a state. `key`: the same for both, so that equal secrets have equal digests. `checked`: refuses also what `check` refuses. Throws
 * `PORTICO_PLAN_STATE` with what the child says.
 */
export async function stateFrom(source: StateSource, key: string, { checked = false } = {}): Promise<State> {
  const { label } = source;
  const words = ['--state', key, ...(checked ? ['--checked'] : [])];
  const { child, end } = spawnIn(source, words, ['ignore', 'pipe', 'pipe']);
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? 1));
  });
  const all = Promise.all([text(child.stdout!), text(child.stderr!), ended]);
  const [printed, said, status] = await inTime(all, end, `${label} was not built`).finally(end);
  const state = stateIn(printed);
  if (state !== undefined) return state;
  throw refusal(`${label} cannot be built`, said.trim() || `its process ended with ${status}`, hintFor);
}

function hintFor(why: string): string | undefined {
  if (/no command "plan"|unknown option '?--(?:state|checked)/.test(why))
    return 'The Portico that is installed there has no plan: install the version of this one there.';
  if (/ERR_MODULE_NOT_FOUND|Cannot find (?:module|package)|no (?:such )?file|does not exist/i.test(why))
    return 'A file that the repository does not hold? Make it with --prepare, for instance --prepare "npm run build".';
  return undefined;
}
