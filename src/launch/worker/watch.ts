/**
 * Heartbeats of a process: one each second, seen by its watch thread, and in a worker by its parent too. The thread takes 30 ms of CPU time and
 * 9 MB, so it starts with the first request, or the first busy second: neither a start nor an idle process has it. A worker begins with it if
 * the start before it was stuck, or if a reload tries its configuration.
 */
import { url as debuggerUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { LONGEST_DELAY_MS, ownFile, type RequestsInHand, requestsInHand } from '../../process/index.js';
import type { LaunchSettings } from '../launcher-options.js';
import { BEAT_MS } from '../launcher-options.js';
import { WATCH_DESCRIPTOR } from '../worker-message.js';
import { type LoopFacts, loopReader } from './loop-facts.js';

/** Memory shared by the main thread and its watch thread, as indexes into an `Int32Array`. */
const FIELDS = { beats: 0, timeoutMs: 1, debugged: 2, stuckMs: 3, endMs: 4, stopMs: 5, rests: 6 } as const;

/** Start data of the watch thread, complete: each file that it imported would take a millisecond. */
export interface WatchData {
  readonly shared: Int32Array;
  readonly fields: typeof FIELDS;
  readonly requests: Pick<RequestsInHand, 'serials' | 'lengths' | 'heads'>;
  /** Pid of the parent that watches this process; undefined if the thread ends the process by itself. */
  readonly parent: number | undefined;
  /** Descriptor for what the thread reports to a parent: requests, and the stack that the main thread is stuck in. */
  readonly descriptor: number;
  /** Portico's own files are below this URL. */
  readonly own: string;
}

/** Longest silence after which a main thread counts as stuck, unless its parent would end it sooner. */
const LONGEST_SILENCE_MS = 3000;

/** The watched process. */
interface Watched {
  /**
   * True if a parent ends the process when its event loop is stuck, and gets the stack. Otherwise the thread does, and
   * prints it.
   */
  readonly supervised: boolean;
  readonly settings: () => LaunchSettings;
  /** Starts the thread now. */
  readonly atOnce?: boolean;
  /** Called with each heartbeat; `nextMs`: the time until the next one. */
  told(debugged: boolean, loop: LoopFacts, nextMs: number): void;
  /** Called at the first request of an idle process: heartbeats come each second again. */
  awake?(): void;
}

/** Heartbeat and watch thread of a process. */
export interface Watch {
  /** The thread kills the process shortly after this time, whatever its event loop does; 0 cancels. */
  killAfter(ms: number): void;
  /** The process is idle no more: somebody waits for it. */
  wake(): void;
  /** Measures the event-loop lag from now on: the modules of the application, which block it as they load, are loaded. */
  serves(): void;
  end(): void;
}

/** Starts both; they do not keep the process alive. */
export function startWatching({ supervised, settings, atOnce = false, told, awake }: Watched): Watch {
  const thread = watchThread(supervised ? process.ppid : undefined, settings);
  if (atOnce) thread.start();
  const loop = loopReader();
  let timer: NodeJS.Timeout | undefined;
  const beat = (isRest: boolean): void => {
    clearTimeout(timer);
    const next = (): void => {
      const waitMs = isRest ? untilMultiple(REST_BEAT_MS) : BEAT_MS;
      const due = performance.now() + waitMs;
      timer = setTimeout(() => {
        // In an idle process nothing else notices what blocks the event loop, such as a job.
        if (isRest) loop.note(performance.now() - due);
        next();
        look(thread.beat());
      }, waitMs).unref();
    };
    next();
  };
  const rests = (is: boolean): void => {
    loop.measure(!is);
    thread.rests(is);
    beat(is);
  };
  const rest = new Rest(
    () => {
      thread.beat();
      rests(false);
      awake?.();
    },
    () => thread.start(),
  );
  let toldAt = 0;
  const tell = (debugged: boolean): void => {
    toldAt = performance.now();
    told(debugged, loop.read(), rest.isResting ? REST_MS + BEAT_MS : BEAT_MS);
  };
  /** An idle process reports at multiples of `REST_MS`, and never later than that after its last report: the clock may have been set. */
  const mayWait = (): boolean =>
    Math.round(Date.now() / REST_BEAT_MS) % (REST_MS / REST_BEAT_MS) !== 0 &&
    performance.now() - toldAt < REST_MS - REST_BEAT_MS / 2;
  const look = (debugged: boolean): void => {
    const rested = rest.isResting;
    rest.look(loop.utilization());
    if (rest.isResting !== rested) rests(!rested);
    else if (rested && mayWait()) return;
    tell(debugged);
  };
  tell(thread.beat());
  beat(false);
  return {
    killAfter: (ms) => {
      thread.killAfter(ms);
      if (ms > 0) thread.start();
      rest.wake();
    },
    wake: () => rest.wake(),
    serves: () => {
      loop.measure(true);
      // The share of the next second is without the start, in which a worker is always busy.
      loop.utilization();
      rest.allow();
    },
    end: () => {
      clearTimeout(timer);
      rest.end();
      loop.end();
      thread.end();
    },
  };
}

/**
 * Returns the time until the clock shows a multiple of `ms`, at least half of it: the heartbeats of all idle processes come together, so that
 * their parent wakes once for all of them.
 */
function untilMultiple(ms: number): number {
  const leftMs = ms - (Date.now() % ms);
  return leftMs < ms / 2 ? leftMs + ms : leftMs;
}

/** Early enough for the stack to arrive before the parent ends the worker, but never within one heartbeat. */
function stuckAfterMs({ workerTimeoutMs, workerStartTimeoutMs }: LaunchSettings): number {
  const limits = [workerTimeoutMs, workerStartTimeoutMs].filter((limitMs) => limitMs > 0);
  return Math.max(BEAT_MS * 1.25, Math.min(LONGEST_SILENCE_MS, ...limits.map((limitMs) => limitMs / 2)));
}

/** The watch thread, as its main thread uses it. */
interface WatchThread {
  /** Starts it, once. */
  start(): void;
  /** Counts a heartbeat; returns true if a debugger is attached. */
  beat(): boolean;
  /** Tells whether the process is idle. The end of an idle time wakes the thread at once. */
  rests(is: boolean): void;
  killAfter(ms: number): void;
  end(): void;
}

/** Returns the thread, not started. */
function watchThread(parent: number | undefined, settings: () => LaunchSettings): WatchThread {
  const shared = new Int32Array(new SharedArrayBuffer(Object.keys(FIELDS).length * Int32Array.BYTES_PER_ELEMENT));
  const { serials, lengths, heads } = requestsInHand;
  const requests = { serials, lengths, heads };
  const workerData: WatchData = {
    shared,
    fields: FIELDS,
    requests,
    parent,
    descriptor: WATCH_DESCRIPTOR,
    own: ownFile('').href,
  };
  let thread: Worker | undefined;
  const start = (): void => {
    if (thread !== undefined) return;
    thread = new Worker(ownFile('launch/worker/watch-thread.cjs'), {
      workerData,
      // Neither the bootstrap again, nor preloads of the application.
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
    });
    // Without the thread the process serves regardless; only the stack of a stuck event loop, and its end, are lost.
    thread.on('error', () => undefined);
    thread.unref();
  };
  const storeLimits = (): void => {
    const limits = settings();
    const { gracefulShutdownTimeoutMs, workerTimeoutMs } = limits;
    // Of an idle process silence counts from the time at which the next heartbeat is late.
    const laterMs = Atomics.load(shared, FIELDS.rests) === 1 ? REST_BEAT_MS - BEAT_MS : 0;
    const endMs = workerTimeoutMs === 0 ? 0 : workerTimeoutMs + laterMs;
    Atomics.store(shared, FIELDS.timeoutMs, Math.min(gracefulShutdownTimeoutMs, LONGEST_DELAY_MS));
    Atomics.store(shared, FIELDS.stuckMs, stuckAfterMs(limits) + laterMs);
    Atomics.store(shared, FIELDS.endMs, Math.min(endMs, LONGEST_DELAY_MS));
  };
  const beat = (): boolean => {
    const debugged = debuggerUrl() !== undefined;
    Atomics.add(shared, FIELDS.beats, 1);
    Atomics.store(shared, FIELDS.debugged, debugged ? 1 : 0);
    storeLimits();
    return debugged;
  };
  const rests = (is: boolean): void => {
    Atomics.store(shared, FIELDS.rests, is ? 1 : 0);
    storeLimits();
    if (!is) thread?.postMessage(undefined);
  };
  return {
    start,
    beat,
    rests,
    killAfter: (ms) => {
      Atomics.store(shared, FIELDS.stopMs, Math.min(ms, LONGEST_DELAY_MS));
    },
    end: () => void thread?.terminate(),
  };
}

// An idle process: its heartbeats become rare, and the delays of its event loop are not measured. Its first request
// ends the rest before an app gets it.

/** Interval of heartbeats for the watch thread while idle, and of those for a parent. */
const REST_BEAT_MS = 3000;
const REST_MS = 9000;
/** Seconds without a request and almost without work after which a process is idle. */
const QUIET_SECONDS = 3;
/** Share of a second in which the event loop of an idle process may be busy. */
const BUSY = 0.05;
/** Share from which a process without requests is at work, such as one that serves calls. */
const AT_WORK = 0.5;

/** The requests of the process. */
type Requests = Pick<RequestsInHand, 'idle' | 'serial' | 'atRest' | 'woken'>;

class Rest {
  /** True while the process is idle. */
  #isResting = false;
  #quietSeconds = 0;
  #serial = 0;
  #isAllowed = false;
  readonly #requests: Requests = requestsInHand;
  readonly #woken: () => void;
  readonly #works: () => void;

  /** `woken` is called when a request or a question ends the rest; `works` when there is work, at the latest with the first request. */
  constructor(woken: () => void, works: () => void) {
    this.#woken = woken;
    this.#works = works;
    this.#requests.atRest = true;
    this.#requests.woken = () => {
      this.#requests.atRest = false;
      works();
      this.wake();
    };
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  /** Lets the process become idle from now on: it serves. */
  allow(): void {
    this.#isAllowed = true;
  }

  /** Called once a second with the share of it in which the event loop was busy; begins and ends the rest. */
  look(utilization: number): void {
    const { idle, serial } = this.#requests;
    if (this.#isAllowed && utilization >= AT_WORK) this.#works();
    const isQuiet = this.#isAllowed && idle && serial === this.#serial && utilization < BUSY;
    this.#serial = serial;
    this.#quietSeconds = isQuiet ? this.#quietSeconds + 1 : 0;
    if (!isQuiet && this.#isResting) this.end();
    else if (this.#quietSeconds >= QUIET_SECONDS) {
      this.#isResting = true;
      this.#requests.atRest = true;
    }
  }

  /** Ends the rest, because of a request or a question. */
  wake(): void {
    if (!this.#isResting) return;
    this.end();
    this.#woken();
  }

  /** Ends the rest. */
  end(): void {
    this.#quietSeconds = 0;
    this.#isResting = false;
    this.#requests.atRest = false;
  }
}
