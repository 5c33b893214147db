/** Facts of the event loop, the memory and the garbage collector of a process. */
import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { ignoreErrors } from '../../errors/index.js';

/** Event-loop facts of a process, measured with each heartbeat. */
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
  /** CPU time since its start, in seconds. */
  readonly cpuSeconds: number;
  /** Time of the garbage collector since its start in seconds, by kind. */
  readonly gcSeconds: Readonly<Record<string, number>>;
}

/** Delay of what the event loop has to do, in the last half to whole minute; unknown before the process serves. */
interface Lag {
  readonly lagMaxMs: number;
  /** p99. */
  readonly lagP99Ms: number;
}

/** Interval of libuv's timer whose delays are recorded, without any JavaScript. */
const LAG_EVERY_MS = 20;
/** Half a minute: a scrape every half minute misses no block of the event loop. */
const LAG_WINDOW_MS = 30_000;

/** Reader of the facts of a process. */
export interface LoopReader {
  read(): LoopFacts;
  /** Returns the share of time since the last call in which the event loop was busy; to be called once a second. */
  utilization(): number;
  /** Begins or ends the measurement of the lag, which wakes the process fifty times a second. */
  measure(wanted: boolean): void;
  /** Counts a delay that was seen while the lag is not measured. */
  note(lateMs: number): void;
  end(): void;
}

/** Returns what reads them. */
export function loopReader(): LoopReader {
  const memory = memoryReader();
  const collector = collectorTimes();
  const lag = new LagReader();
  let before = performance.eventLoopUtilization();
  let utilization = 0;
  const look = (): number => {
    const after = performance.eventLoopUtilization();
    ({ utilization } = performance.eventLoopUtilization(after, before));
    before = after;
    return utilization;
  };
  look();
  return {
    utilization: look,
    measure: (wanted) => lag.measure(wanted),
    note: (lateMs) => lag.note(lateMs),
    read: () => {
      const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics();
      const { user, system } = process.cpuUsage();
      const cpuSeconds = (user + system) / 1e6;
      return {
        utilization,
        ...lag.read(),
        rss: memory(),
        heapUsed,
        heapLimit,
        node: process.version,
        cpuSeconds,
        gcSeconds: { ...collector.seconds },
      };
    },
    end: () => {
      lag.measure(false);
      collector.end();
    },
  };
}

/** The lag of two windows, of which the later one is not over. */
class LagReader {
  readonly #delays = monitorEventLoopDelay({ resolution: LAG_EVERY_MS });
  #earlier = NO_LAG;
  /** Lag of the later window, without what the monitor has; undefined until the first measurement. */
  #later: Lag | undefined;
  #since = 0;
  #measures = false;

  measure(wanted: boolean): void {
    if (wanted === this.#measures) return;
    this.#measures = wanted;
    if (wanted) {
      // Otherwise the first delay would be the time in which nothing was measured.
      this.#delays.reset();
      this.#delays.enable();
      if (this.#later === undefined) this.#since = performance.now();
      this.#later ??= NO_LAG;
      this.#noteFirst();
    } else {
      if (this.#later !== undefined) this.#later = longest(this.#later, this.#measured);
      this.#delays.disable();
      this.#delays.reset();
    }
  }

  note(lateMs: number): void {
    if (this.#later !== undefined) this.#later = longest(this.#later, { lagMaxMs: lateMs, lagP99Ms: 0 });
  }

  /** The monitor begins with its second tick: the first request of an idle process may block before it. */
  #noteFirst(): void {
    const began = performance.now();
    setTimeout(() => this.note(performance.now() - began - LAG_EVERY_MS), LAG_EVERY_MS).unref();
  }

  read(): Partial<Lag> {
    if (this.#later === undefined) return {};
    const present = longest(this.#later, this.#measured);
    const both = longest(this.#earlier, present);
    if (performance.now() - this.#since >= LAG_WINDOW_MS) {
      this.#earlier = present;
      this.#later = NO_LAG;
      this.#delays.reset();
      this.#since = performance.now();
    }
    return both;
  }

  get #measured(): Lag {
    const { max } = this.#delays;
    const p99 = this.#delays.percentile(99);
    return { lagMaxMs: Math.max(max / 1e6 - LAG_EVERY_MS, 0), lagP99Ms: Math.max(p99 / 1e6 - LAG_EVERY_MS, 0) };
  }
}

const NO_LAG: Lag = { lagMaxMs: 0, lagP99Ms: 0 };

function longest(a: Lag, b: Lag): Lag {
  return { lagMaxMs: Math.max(a.lagMaxMs, b.lagMaxMs), lagP99Ms: Math.max(a.lagP99Ms, b.lagP99Ms) };
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
