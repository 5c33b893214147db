/**
 * Whether this process is a daemon, for whom SIGHUP means "reload", or a terminal's foreground job, for whom it means
 * that the terminal was closed.
 */
import { readFileSync } from 'node:fs';

/** Reads `/proc/self/stat`; a parameter so that tests can hand in a line. */
export type ReadStat = () => string;

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
