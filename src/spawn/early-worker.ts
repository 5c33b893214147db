/**
 * A worker process that is started before anybody knows what it is to do: it loads the program's modules while the parent
 * still reads the configuration, and is then told the rest. A start takes a quarter less with it.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
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
 * workers of its own main module. Nothing is started where a service manager has passed sockets, which a child would inherit,
 * nor where something is to run ahead of the program: it would see a process without its arguments and variables. Nor does it
 * matter where none can be started. It ends with the process, unless it is taken before.
 */
export function startEarlyWorker(modules: readonly string[], host: ParentProcess = process): void {
  if (waiting !== undefined || host.env.LISTEN_FDS !== undefined || runsAhead(host)) return;
  let early: EarlyWorker;
  try {
    early = spawnEarly(modules, host);
  } catch {
    // The launcher starts its workers itself, and tells why that fails.
    return;
  }
  const { child } = early;
  // Until somebody takes it, it is nobody's loss.
  child.on('error', () => undefined);
  // Should the program end without workers, this one does not hold it.
  hold(child, 'unref');
  process.once('exit', () => {
    if (waiting === early) child.kill('SIGKILL');
  });
  waiting = early;
}

/** Whether Node is told to load something before the program, in any of the ways it knows. */
function runsAhead({ env, execArgv }: ParentProcess): boolean {
  const words = [...execArgv, ...(env.NODE_OPTIONS ?? '').split(/[\s"]+/)];
  return words.some((word) => /^(?:-r|--require|--import|--loader|--experimental-loader)(?:=|$)/.test(word));
}

/** Gives the event loop the time to tell of an early worker that has ended. */
export async function hearOfEarlyWorker(): Promise<void> {
  if (waiting === undefined) return;
  // Two turns: the first may be in the middle of one, behind the place where such news is heard.
  await turn();
  await turn();
}

/** The early worker, once; undefined where there is none, or none that {@link hearOfEarlyWorker} knows to be alive. */
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
  (child.stdio?.[4] as Socket | null | undefined)?.[how]();
}
