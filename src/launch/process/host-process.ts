/**
 * The process that a launcher runs in: only this file touches `process`, so that a test can pass another one. It sets
 * the title that `ps` shows, and knows the terminal: whether the process is its foreground job, for which SIGHUP means
 * that the terminal was closed, or a daemon, for which it means "reload"; and it lets the process outlive its terminal.
 */
import { closeSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { ignoreErrors } from '../../errors/index.js';
import { commandName } from '../../modules/index.js';
import type { SignalSource } from './signals.js';

/** The part of `process` that launchers use. */
export type HostProcess = Pick<
  NodeJS.Process,
  'pid' | 'ppid' | 'platform' | 'env' | 'argv' | 'execPath' | 'execArgv' | 'exit' | 'stdin' | 'stdout' | 'stderr'
> &
  SignalSource & {
    title: string;
    exitCode?: NodeJS.Process['exitCode'];
    on(event: 'uncaughtException' | 'uncaughtExceptionMonitor', listener: (error: unknown) => void): unknown;
    listeners(event: 'uncaughtException'): readonly object[];
    off(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  };

/** Marks the process object of a waiting launcher: a process has at most one. */
const WAITING = Symbol.for('portico.launcher');

/** The process itself. */
export function currentProcess(): HostProcess {
  return process as unknown as HostProcess;
}

/**
 * Claims the process for one launcher's `wait()`; the returned function releases it. Throws if another launcher has
 * claimed it.
 */
export function claimProcess(host: HostProcess): () => void {
  const marked = host as HostProcess & { [WAITING]?: boolean };
  if (marked[WAITING] === true) {
    const message =
      'Another launcher of this process is already waiting; pass { signals: false } to run a second one beside it.';
    throw Object.assign(new Error(message), { code: 'PORTICO_LAUNCHER_EXISTS' });
  }
  marked[WAITING] = true;
  return () => {
    delete marked[WAITING];
  };
}

/** Ends the process after the data for standard output and error was written, or after a second. */
export function exitProcess(host: HostProcess, status: number): void {
  const pending = [host.stdout, host.stderr].filter((stream) => stream.writableLength > 0);
  if (pending.length === 0) {
    host.exit(status);
    return;
  }
  let left = pending.length;
  const end = (): void => host.exit(status);
  const drained = (): void => {
    left -= 1;
    if (left === 0) end();
  };
  setTimeout(end, 1000);
  for (const stream of pending) {
    stream.once('error', drained);
    stream.write('', drained);
  }
}

/**
 * Ignores errors of standard output and error: a broken pipe must not end a daemon. The returned function undoes this.
 */
export function tolerateBrokenOutput(host: HostProcess): () => void {
  const ignore = (): void => undefined;
  const streams = [host.stdout, host.stderr];
  for (const stream of streams) stream.on('error', ignore);
  return () => {
    for (const stream of streams) stream.off('error', ignore);
  };
}

/**
 * Keeps the event loop alive for a launcher that waits for a signal without an open handle. The returned function ends
 * this.
 */
export function holdAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => clearInterval(timer);
}

/** Returns `<prog>: master process [<arguments>]`; the arguments are masked already. */
export function masterTitle(prog: string, args: readonly string[]): string {
  const shown = args.join(' ');
  return `${prog}: master process${shown === '' ? '' : ` [${shown}]`}`;
}

/** Returns `<prog>: <service> worker(<id>)`. */
export function workerTitle(prog: string, service: string, id: number): string {
  return `${prog}: ${service} worker(${id})`;
}

/**
 * Sets the title of the process. The system limits it to the length of the command line: a longer title keeps its
 * closing bracket, with `...` before it; if the argument list is cut off entirely, so are its brackets.
 */
export function setTitle(host: Pick<HostProcess, 'title'>, title: string): void {
  host.title = title;
  // The cut may have split a character.
  const kept = host.title.replace(/\uFFFD+$/, '');
  if (kept === title || !title.startsWith(kept)) return;
  const closing = title.at(-1) ?? '';
  const opening = { ']': ' [', ')': '(' }[closing];
  const at = opening === undefined ? -1 : title.indexOf(opening);
  if (at === -1) return;
  const cut = kept.slice(0, Math.max(0, kept.length - `...${closing}`.length));
  host.title = cut.length > at + (opening?.length ?? 0) ? `${cut}...${closing}` : kept.slice(0, at);
}

/** Returns the command's name in its package; else the name of its main module without the extension. */
export function programName(host: HostProcess): string {
  return commandName(host.argv) || 'portico';
}

/** Reads `/proc/self/stat`; a parameter so that tests can pass a line. */
type ReadStat = () => string;

/**
 * Returns true unless the process's group is the foreground group of its terminal. A job started with `&`, and a
 * process without a terminal, are daemons. Without `/proc`: true if neither standard input nor standard output is a
 * terminal.
 */
export function isDaemon(readStat: ReadStat = readOwnStat): boolean {
  const groups = processGroups(readStat);
  if (groups === undefined) return !process.stdin.isTTY && !process.stdout.isTTY;
  return groups.terminal === -1 || groups.own !== groups.terminal;
}

/**
 * As {@link isDaemon}, for a later call: if the terminal is gone by then, the result is that of this call, because a
 * closed terminal sends SIGHUP when it can no longer be queried.
 */
export function rememberForeground(readStat?: ReadStat): () => boolean {
  const before = isDaemon(readStat);
  return () => {
    const now = processGroups(readStat ?? readOwnStat);
    return now === undefined || now.terminal <= 0 ? before : now.own !== now.terminal;
  };
}

function readOwnStat(): string {
  return readFileSync('/proc/self/stat', 'utf8');
}

/** proc_pid_stat(5): fields 5 (pgrp) and 8 (tpgid). The name in field 2 may hold blanks and parentheses: cut after the last. */
function processGroups(readStat: ReadStat): { own: number; terminal: number } | undefined {
  const stat = ignoreErrors(readStat);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [own, terminal] = [Number(fields[2]), Number(fields[5])];
  if (!Number.isInteger(own) || !Number.isInteger(terminal)) return undefined;
  return { own, terminal };
}

const STANDARD_STREAMS = [0, 1, 2];

/**
 * Makes the process end with the status it chose although its terminal is gone: Node restores the modes of the terminals
 * it began with, and aborts where that fails (`ResetStdio`). Descriptors of terminals that are none any more are closed.
 */
export function outliveTerminal(host: HostProcess): void {
  const terminals = STANDARD_STREAMS.filter((descriptor) => isatty(descriptor));
  if (terminals.length === 0) return;
  host.on('exit', () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) ignoreErrors(() => closeSync(descriptor));
  });
}
