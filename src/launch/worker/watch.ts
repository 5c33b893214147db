/**
 * Heartbeats of a process: one each second, seen by its watch thread, and in a worker by its parent too.
 */
import { url as debuggerUrl } from 'node:inspector';
import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { ignoreErrors } from '../../errors/index.js';
import { LONGEST_DELAY_MS, ownFile, type RequestsInHand, requestsInHand } from '../../process/index.js';
import { WATCH_DESCRIPTOR } from '../assignment.js';
import type { LaunchSettings } from '../launcher-options.js';

/** Memory shared by the main thread and its watch thread, as indexes into an `Int32Array`. */
const FIELDS = { beats: 0, timeoutMs: 1, debugged: 2, stuckMs: 3, endMs: 4, stopMs: 5 } as const;

/** Start data of the watch thread, complete: each file that it imported would take a millisecond. */
export interface WatchData {
  readonly shared: Int32Array;
  readonly fields: typeof FIELDS;
  readonly requests: Pick<RequestsInHand, 'serials' | 'lengths' | 'heads'>;
  /** Pid of the parent that watches this process; undefined if the thread ends the process by itself. */
  readonly parent: number | undefined;
  /** Descriptor for the stack that the main thread is stuck in. */
  readonly descriptor: number;
  /** Portico's own files are below this URL. */
  readonly own: string;
}

const BEAT_MS = 1000;
/** Longest silence after which a main thread counts as stuck, unless its parent would end it sooner. */
const LONGEST_SILENCE_MS = 3000;
const STANDARD_ERROR = 2;

/** The watched process. */
interface Watched {
  /**
   * True if a parent ends the process when its event loop is stuck, and gets the stack. Otherwise the thread does, and
   * prints it.
   */
  readonly supervised: boolean;
  readonly settings: () => LaunchSettings;
  /** Called with each heartbeat. */
  told(debugged: boolean, loop: LoopFacts): void;
}

/** Heartbeat and watch thread of a process. */
export interface Watch {
  /** The thread kills the process shortly after this time, whatever its event loop does; 0 cancels. */
  killAfter(ms: number): void;
  /** Measures the event-loop lag from now on: the modules of the program, which block it as they load, are loaded. */
  serves(): void;
  end(): void;
}

/** Starts both; they do not keep the process alive. */
export function startWatching({ supervised, settings, told }: Watched): Watch {
  const parent = supervised ? process.ppid : undefined;
  const { shared, beat, end } = startThread(
    { parent, descriptor: supervised ? WATCH_DESCRIPTOR : STANDARD_ERROR },
    settings,
  );
  const loop = loopReader();
  const tell = (): void => told(beat(), loop.read());
  tell();
  const timer = setInterval(tell, BEAT_MS).unref();
  return {
    killAfter: (ms) => void Atomics.store(shared, FIELDS.stopMs, Math.min(ms, LONGEST_DELAY_MS)),
    serves: loop.serves,
    end: () => {
      clearInterval(timer);
      loop.end();
      end();
    },
  };
}

/** Event-loop facts of a process, measured once a second. */
export interface LoopFacts extends Partial<Lag> {
  /** Share of the last second in which it was busy, 0 to 1. */
  readonly utilization: number;
  /** Resident memory in bytes. */
  readonly rss: number;
  /** V8's heap in bytes: in use, and its limit. */
  readonly heapUsed: number;
  readonly heapLimit: number;
  /** Version of its Node: that on disk may have been replaced since its parent started. */
  readonly node: string;
  /** Processor time since its start, in seconds. */
  readonly cpuSeconds: number;
  /** Time of the garbage collector since its start in seconds, by kind. */
  readonly gcSeconds: Readonly<Record<string, number>>;
}

/** Delay of what the event loop has to do, in the last half to whole minute; unknown before the process serves. */
interface Lag {
  readonly lagMaxMs: number;
  /** 99th percentile. */
  readonly lagP99Ms: number;
}

/** Interval of libuv's timer whose delays are recorded, without any JavaScript. */
const LAG_EVERY_MS = 20;
/** Heartbeats in half a minute: a scrape every half minute misses no block of the event loop. */
const LAG_BEATS = 30;

/** `read`: to be called with each heartbeat. */
function loopReader(): { read(): LoopFacts } & Pick<Watch, 'serves' | 'end'> {
  const memory = memoryReader();
  const collector = collectorTimes();
  const delays = monitorEventLoopDelay({ resolution: LAG_EVERY_MS });
  let before = performance.eventLoopUtilization();
  let beats = 0;
  let earlier: Lag | undefined;
  const lag = (): Partial<Lag> => {
    if (earlier === undefined) return {};
    const lagMaxMs = Math.max(delays.max / 1e6 - LAG_EVERY_MS, 0);
    const lagP99Ms = Math.max(delays.percentile(99) / 1e6 - LAG_EVERY_MS, 0);
    const told = { lagMaxMs: Math.max(lagMaxMs, earlier.lagMaxMs), lagP99Ms: Math.max(lagP99Ms, earlier.lagP99Ms) };
    if (++beats % LAG_BEATS === 0) {
      earlier = { lagMaxMs, lagP99Ms };
      delays.reset();
    }
    return told;
  };
  return {
    serves: () => {
      delays.enable();
      earlier ??= { lagMaxMs: 0, lagP99Ms: 0 };
    },
    read: () => {
      const after = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(after, before);
      before = after;
      const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics();
      const { user, system } = process.cpuUsage();
      const cpuSeconds = (user + system) / 1e6;
      return {
        utilization,
        ...lag(),
        rss: memory(),
        heapUsed,
        heapLimit,
        node: process.version,
        cpuSeconds,
        gcSeconds: { ...collector.seconds },
      };
    },
    end: () => {
      delays.disable();
      collector.end();
    },
  };
}

/** Names of the collector's runs, as in other exporters for Node. */
const COLLECTIONS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** Detail that Node's types lack. */
interface GcEntry {
  readonly detail: { readonly kind: number };
}

function collectorTimes(): { readonly seconds: Readonly<Record<string, number>>; end(): void } {
  const seconds = Object.fromEntries(Object.values(COLLECTIONS).map((kind) => [kind, 0]));
  const observer = new PerformanceObserver((list) => {
    for (const { detail, duration } of list.getEntries() as (PerformanceEntry & GcEntry)[]) {
      const kind = COLLECTIONS[detail.kind];
      if (kind !== undefined) seconds[kind]! += duration / 1000;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return { seconds, end: () => observer.disconnect() };
}

/**
 * Returns a function that reads the resident memory in bytes; the previous value, or 0, if it cannot be read: Linux has
 * it in a file.
 */
function memoryReader(): () => number {
  let known = 0;
  return () => {
    // A read fails while no descriptor is free.
    known = ignoreErrors(() => process.memoryUsage.rss()) ?? known;
    return known;
  };
}

/** Early enough for the stack to arrive before the parent ends the worker, but never within one heartbeat. */
function stuckAfterMs({ workerTimeoutMs, workerStartTimeoutMs }: LaunchSettings): number {
  const limits = [workerTimeoutMs, workerStartTimeoutMs].filter((limitMs) => limitMs > 0);
  return Math.max(BEAT_MS * 1.25, Math.min(LONGEST_SILENCE_MS, ...limits.map((limitMs) => limitMs / 2)));
}

/** Starts the thread and its heartbeat, which reports whether a debugger is attached. */
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
    // Neither the bootstrap again, nor preloads of the program.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  // Without the thread the process serves regardless; only the stack of a stuck event loop, and its end, are lost.
  thread.on('error', () => undefined);
  thread.unref();
  const beat = (): boolean => {
    const limits = settings();
    const { gracefulShutdownTimeoutMs, workerTimeoutMs } = limits;
    const debugged = debuggerUrl() !== undefined;
    Atomics.add(shared, FIELDS.beats, 1);
    Atomics.store(shared, FIELDS.debugged, debugged ? 1 : 0);
    Atomics.store(shared, FIELDS.timeoutMs, Math.min(gracefulShutdownTimeoutMs, LONGEST_DELAY_MS));
    Atomics.store(shared, FIELDS.stuckMs, stuckAfterMs(limits));
    Atomics.store(shared, FIELDS.endMs, Math.min(workerTimeoutMs, LONGEST_DELAY_MS));
    return debugged;
  };
  return { shared, beat, end: () => void thread.terminate() };
}
