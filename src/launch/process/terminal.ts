/**
 * The terminal of a process: whether it is the terminal's foreground job, for which SIGHUP means that the terminal was
 * closed, or a daemon, for which it means "reload"; and how the process outlives its terminal.
 */
import { closeSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { HostProcess } from './host-process.js';

/** Reads `/proc/self/stat`; a parameter so that tests can hand in a line. */
type ReadStat = () => string;

/**
 * True unless the process's group is the foreground group of its terminal. A job started with `&`, and a process without
 * a terminal, are daemons. Where `/proc` is missing: true when neither standard input nor standard output is a terminal.
 */
export function isDaemon(readStat: ReadStat = readOwnStat): boolean {
  const groups = processGroups(readStat);
  if (groups === undefined) return !process.stdin.isTTY && !process.stdout.isTTY;
  return groups.terminal === -1 || groups.own !== groups.terminal;
}

/**
 * The same, for later: a process whose terminal is gone by then is what it was at the call, because a terminal that is
 * closed sends SIGHUP when there is nothing left to ask.
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
  let stat: string;
  try {
    stat = readStat();
  } catch {
    return undefined;
  }
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
    for (const descriptor of terminals) if (!isatty(descriptor)) close(descriptor);
  });
}

function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // Closed already.
  }
}
