/**
 * A process's signs of life: a beat each second, which its watch thread sees, and in a worker its parent too.
 */
import { url as debuggerUrl } from 'node:inspector';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { ownFile } from '../../process/index.js';
import { WATCH_DESCRIPTOR } from '../assignment.js';
import type { LaunchSettings } from '../launcher-options.js';
import type { ParentLink } from './parent-link.js';

/** What the main thread and its watch thread share, as indexes into an `Int32Array`. */
const FIELDS = { beats: 0, timeoutMs: 1, debugged: 2, stuckMs: 3, endMs: 4 } as const;

/** What the watch thread is started with: all it needs, for each file that it imported would take a millisecond. */
export interface WatchData {
  readonly shared: Int32Array;
  readonly fields: typeof FIELDS;
  /** Undefined in a process without a parent that watches it: the thread ends it by itself. */
  readonly parent: number | undefined;
  /** Where it tells what the main thread is stuck in. */
  readonly descriptor: number;
}

const BEAT_MS = 1000;
/** Silent for so long a main thread counts as stuck, unless its parent would end it sooner. */
const LONGEST_SILENCE_MS = 3000;
const STANDARD_ERROR = 2;

/** Starts both in a worker. They keep nothing alive. */
export function startWatching(link: ParentLink): void {
  const { beat: watched } = startThread({ parent: process.ppid, descriptor: WATCH_DESCRIPTOR }, () => link.settings);
  const loop = loopReader();
  const beat = (): void => {
    void link.send({ kind: 'beat', debugged: watched(), facts: { ...loop(), ...link.facts() } });
    link.onBeat();
  };
  beat();
  setInterval(beat, BEAT_MS).unref();
}

/** Starts the thread in a process without a parent to end it when its loop is stuck. */
export function watchAlone(settings: () => LaunchSettings): { loop(): LoopFacts; end(): void } {
  const { beat, end } = startThread({ parent: undefined, descriptor: STANDARD_ERROR }, settings);
  const read = loopReader();
  beat();
  let loop = read();
  const timer = setInterval(() => {
    beat();
    loop = read();
  }, BEAT_MS).unref();
  return {
    loop: () => loop,
    end: () => {
      clearInterval(timer);
      end();
    },
  };
}

/** What a process tells of its event loop, once a second. */
export interface LoopFacts {
  /** The part of the last second in which it was at work, 0 to 1. */
  readonly utilization: number;
  /** By how much its timer was late. */
  readonly lagMs: number;
  /** The resident memory in bytes. */
  readonly rss: number;
}

/** To be called with each beat. */
function loopReader(): () => LoopFacts {
  const memory = memoryReader();
  let before = performance.eventLoopUtilization();
  let due = performance.now() + BEAT_MS;
  return () => {
    const now = performance.now();
    const after = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(after, before);
    const lagMs = Math.max(0, now - due);
    before = after;
    due = now + BEAT_MS;
    return { utilization, lagMs, rss: memory() };
  };
}

/** The resident memory in bytes; that of the beat before, or 0, when it cannot be read: Linux tells it in a file. */
function memoryReader(): () => number {
  let known = 0;
  return () => {
    try {
      known = process.memoryUsage.rss();
    } catch {
      // No descriptor is free.
    }
    return known;
  };
}

/** Early enough for the stack to be there when the parent ends the worker, but never within one beat. */
function stuckAfterMs(workerTimeoutMs: number): number {
  if (workerTimeoutMs === 0) return LONGEST_SILENCE_MS;
  return Math.max(BEAT_MS * 1.25, Math.min(LONGEST_SILENCE_MS, workerTimeoutMs / 2));
}

/** The thread, and the beat it listens for, which tells whether a debugger is attached. */
function startThread(
  given: Pick<WatchData, 'parent' | 'descriptor'>,
  settings: () => LaunchSettings,
): { beat(): boolean; end(): void } {
  const shared = new Int32Array(new SharedArrayBuffer(Object.keys(FIELDS).length * Int32Array.BYTES_PER_ELEMENT));
  const workerData: WatchData = { shared, fields: FIELDS, ...given };
  const thread = new Worker(ownFile('launch/worker/watch-thread.js'), {
    workerData,
    // Not the bootstrap again, and none of the program's own preloads.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  // Without it the process serves all the same; what is lost is the stack of a stuck loop, and the end of one.
  thread.on('error', () => undefined);
  thread.unref();
  const beat = (): boolean => {
    const { gracefulShutdownTimeoutMs, workerTimeoutMs } = settings();
    const debugged = debuggerUrl() !== undefined;
    Atomics.add(shared, FIELDS.beats, 1);
    Atomics.store(shared, FIELDS.debugged, debugged ? 1 : 0);
    Atomics.store(shared, FIELDS.timeoutMs, Math.min(gracefulShutdownTimeoutMs, 2 ** 31 - 1));
    Atomics.store(shared, FIELDS.stuckMs, stuckAfterMs(workerTimeoutMs));
    Atomics.store(shared, FIELDS.endMs, Math.min(workerTimeoutMs, 2 ** 31 - 1));
    return debugged;
  };
  return { beat, end: () => void thread.terminate() };
}
