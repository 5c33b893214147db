/**
 * A worker process that is started before anybody knows what it is to do: it loads the program's modules while the parent
 * still reads the configuration, and is then told the rest. A start takes a quarter less with it.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { type ParentProcess, spawnEarly } from './worker-process.js';

/** What is told to an early worker, and to no other, which has it from its command line and environment. */
export interface EarlyWorker {
  readonly child: ChildProcess;
  /** Variables that were kept from it, for they might have been the configuration's. */
  readonly kept: Readonly<Record<string, string>>;
}

let waiting: EarlyWorker | undefined;

/**
 * Starts it; `modules` are what the program is going to import, as URLs. For a program that is sure to launch a service in
 * workers of its own main module. Nothing is started where a service manager has passed sockets, which a child would inherit.
 * It ends with the process, unless it is taken before.
 */
export function startEarlyWorker(modules: readonly string[], host: ParentProcess = process): void {
  if (waiting !== undefined || host.env.LISTEN_FDS !== undefined) return;
  const early = spawnEarly(modules, host);
  const { child } = early;
  // Should the program end without workers, this one does not hold it.
  hold(child, 'unref');
  // Whoever takes it listens; until then it is nobody's loss.
  child.on('error', () => undefined);
  process.once('exit', () => {
    if (waiting === early) child.kill('SIGKILL');
  });
  waiting = early;
}

/** The early worker, once; undefined where there is none, or none any more. */
export function takeEarlyWorker(): EarlyWorker | undefined {
  const early = waiting;
  waiting = undefined;
  if (early === undefined) return undefined;
  const { child } = early;
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null || !child.connected)
    return undefined;
  hold(child, 'ref');
  return early;
}

function hold(child: ChildProcess, how: 'ref' | 'unref'): void {
  child[how]();
  child.channel?.[how]();
  (child.stdio[4] as Socket | null | undefined)?.[how]();
}
