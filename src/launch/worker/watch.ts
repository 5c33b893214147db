/**
 * A process's signs of life: a beat each second, which its watch thread sees, and in a worker its parent too.
 */
import { url as debuggerUrl } from 'node:inspector';
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { LONGEST_DELAY_MS, ownFile, type RequestsInHand, requestsInHand } from '../../process/index.js';
import { WATCH_DESCRIPTOR } from '../assignment.js';
import type { LaunchSettings } from '../launcher-options.js';

/** Memory that the main thread and its watch thread share, as indexes into an `Int32Array`. */
const FIELDS = { beats: 0, timeoutMs: 1, debugged: 2, stuckMs: 3, endMs: 4, stopMs: 5 } as const;

/** Start data of the watch thread: all it needs, for each file that it imported would take a millisecond. */
export interface WatchData {
  readonly shared: Int32Array;
  readonly fields: typeof FIELDS;
  readonly requests: Pick<RequestsInHand, 'serials' | 'lengths' | 'heads'>;
  /** Undefined in a process without a parent that watches it: the thread ends it by itself. */
  readonly parent: number | undefined;
  /** Descriptor for the stack that the main thread is stuck in. */
  readonly descriptor: number;
  /** Portico's own files are below this URL. */
  readonly own: string;
}

const BEAT_MS = 1000;
/** Silent for so long a main thread counts as stuck, unless its parent would end it sooner. */
const LONGEST_SILENCE_MS = 3000;
const STANDARD_ERROR = 2;

/** The watched process. */
interface Watched {
  /** By a parent: it ends the process when its loop is stuck, and hears the stack. Else the thread does, and prints it. */
  readonly supervised: boolean;
  readonly settings: () => LaunchSettings;
  /** Called with each beat. */
  told(debugged: boolean, loop: LoopFacts): void;
}

/** Both, in a process. */
export interface Watch {
  /** The thread kills the process soon after so many milliseconds, whatever its loop does; 0: it need not any more. */
  killAfter(ms: number): void;
  end(): void;
}

/** Starts both; they keep nothing alive. */
export function startWatching({ supervised, settings, told }: Watched): Watch {
  const parent = supervised ? process.ppid : undefined;
  const { shared, beat, end } = startThread(
    { parent, descriptor: supervised ? WATCH_DESCRIPTOR : STANDARD_ERROR },
    settings,
  );
  const loop = loopReader();
  const tell = (): void => told(beat(), loop());
  tell();
  const timer = setInterval(tell, BEAT_MS).unref();
  return {
    killAfter: (ms) => void Atomics.store(shared, FIELDS.stopMs, Math.min(ms, LONGEST_DELAY_MS)),
    end: () => {
      clearInterval(timer);
      end();
    },
  };
}

/** Event-loop facts of a process, once a second. */
export interface LoopFacts {
  /** The part of the last second in which it was at work, 0 to 1. */
  readonly utilization: number;
  /** By how much its timer was late. */
  readonly lagMs: number;
  /** The resident memory in bytes. */
  readonly rss: number;
  /** The heap of V8 in bytes: in use, and the most there may be. */
  readonly heapUsed: number;
  readonly heapLimit: number;
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
    const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics();
    return { utilization, lagMs, rss: memory(), heapUsed, heapLimit };
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
): { shared: Int32Array; beat(): boolean; end(): void } {
  const shared = new Int32Array(new SharedArrayBuffer(Object.keys(FIELDS).length * Int32Array.BYTES_PER_ELEMENT));
  const { serials, lengths, heads } = requestsInHand;
  const requests = { serials, lengths, heads };
  const workerData: WatchData = { shared, fields: FIELDS, requests, own: ownFile('').href, ...given };
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
    Atomics.store(shared, FIELDS.timeoutMs, Math.min(gracefulShutdownTimeoutMs, LONGEST_DELAY_MS));
    Atomics.store(shared, FIELDS.stuckMs, stuckAfterMs(workerTimeoutMs));
    Atomics.store(shared, FIELDS.endMs, Math.min(workerTimeoutMs, LONGEST_DELAY_MS));
    return debugged;
  };
  return { shared, beat, end: () => void thread.terminate() };
}
