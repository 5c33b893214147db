/**
 * The small thread of a process that has had work. It acts while the main thread's event loop is stuck: in a worker it
 * ends the process when the parent is gone, and reports the main thread's stack to the parent; without a parent it ends
 * the process after `worker_timeout`, and shortly after the deadline of a stop, and prints the stack.
 */
import { write, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import type { WatchData } from './watch.js';

const TICK_MS = 250;
/** Interval while idle, as long as all is well: longer than that of the heartbeats, so that each tick has seen one. */
const REST_TICK_MS = 5000;
/** Longest silence that one tick shows: a heartbeat may have come just before the last one. */
const SHOWN_MS = 1000;
/** A main thread that is silent for longer has missed its heartbeat. */
const QUIET_MS = 1500;
/** Change of memory that is reported at once. */
const GROWN_BYTES = 16 * 2 ** 20;
/** Time after its deadline that a process has to end by itself. */
const GRACE_MS = 1000;
/** Time within which a main thread shows its stack, on a busy machine too; one in a system call never does. */
const STACK_MS = 2000;
/** Time that the notice of a kill has: a reader of standard error that stops must not prevent the kill. */
const NOTICE_MS = 200;
/** Time within which an orphan's does. */
const ORPHAN_STACK_MS = 500;
const STANDARD_ERROR = 2;

const { shared, fields, requests, parent, descriptor, own } = workerData as WatchData;
const { serials } = requests;
let beats = Atomics.load(shared, fields.beats);
// Time is counted in ticks, not by a clock: a process that was suspended as a whole was not stuck.
let silentMs = 0;
let orphanedMs = 0;
/** Time limit of the stop, and the time that has passed. */
let stopMs = 0;
let stoppingMs = 0;
/** Time since its stack was asked for, after the deadline of the stop. */
let overdueMs: number | undefined;
let reported = false;
/** True once the process is about to be killed. */
let isEnding = false;
let stuckIn: readonly string[] | undefined;
/** By slot: the request at the last tick, and its number of ticks. */
const seen = new Int32Array(serials.length);
const ticks = new Int32Array(serials.length);
let toldMemory = 0;

let everyMs = TICK_MS;
let timer = setInterval(tick, everyMs);
// A request has ended the rest: its parent must know it, whatever happens next. The request itself may block the event loop.
parentPort?.on('message', () => useInterval(TICK_MS));

function useInterval(ms: number): void {
  if (ms === everyMs) return;
  everyMs = ms;
  clearInterval(timer);
  timer = setInterval(tick, ms);
}

function tick(): void {
  look();
  const isWell = silentMs === 0 && orphanedMs === 0 && stopMs === 0;
  useInterval(isWell && Atomics.load(shared, fields.rests) === 1 ? REST_TICK_MS : TICK_MS);
}

function look(): void {
  if (isEnding) return;
  if (parent !== undefined && process.ppid !== parent) orphanedMs += TICK_MS;
  const now = Atomics.load(shared, fields.beats);
  silentMs = now === beats ? silentMs + Math.min(everyMs, SHOWN_MS) : 0;
  if (silentMs === 0) reported = false;
  beats = now;
  tellRequests();
  if (orphanedMs > 0) endOrphan();
  const stopsWithin = Atomics.load(shared, fields.stopMs);
  stoppingMs = stopsWithin === stopMs ? stoppingMs + TICK_MS : 0;
  stopMs = stopsWithin;
  if (stopMs > 0 && stoppingMs > stopMs + GRACE_MS) endOverdue();
  else overdueMs = undefined;
  if (silentMs < Atomics.load(shared, fields.stuckMs) || Atomics.load(shared, fields.debugged) === 1) return;
  const endMs = Atomics.load(shared, fields.endMs);
  if (parent === undefined && endMs > 0 && silentMs > endMs) {
    kill(`sent no heartbeat for ${endMs / 1000} s`);
  }
  if (reported) return;
  reported = true;
  stuckIn = undefined;
  takeStack(tellStuck);
}

function tellStuck(frames: readonly Frame[]): void {
  stuckIn = folded(frames);
  if (parent !== undefined) tell(`${JSON.stringify({ kind: 'stuck', stack: stuckIn, silentMs })}\n`);
}

/** Ends a process after the deadline of its stop, as soon as the main thread has shown its stack. */
function endOverdue(): void {
  if (overdueMs === undefined) {
    overdueMs = 0;
    stuckIn = undefined;
    takeStack(tellStuck);
    return;
  }
  overdueMs += TICK_MS;
  if (stuckIn !== undefined || overdueMs > STACK_MS) kill(`did not stop in ${stopMs / 1000} s`);
}

function kill(why: string): void {
  if (isEnding) return;
  const held = [...serials.keys()].filter((slot) => ticks[slot]! > 0);
  const requested = held.map((slot) => `\n    ${headOf(slot)} for ${(ticks[slot]! * TICK_MS) / 1000} s`).join('');
  const stack = stuckIn?.map((frame) => `\n    ${frame}`).join('') ?? ' (its stack could not be taken)';
  const inHand = requested === '' ? '' : `; open requests:${requested}`;
  isEnding = true;
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  setTimeout(end, NOTICE_MS);
  write(STANDARD_ERROR, `Process ${process.pid} ${why}, killing it; it was stuck in:${stack}${inHand}\n`, end);
}

/**
 * Reports requests that began and ended since the last tick. One that begins and ends between two ticks costs nothing.
 * Memory is reported if the main thread does not, and if it has changed much between two heartbeats: a request can fill
 * the heap in less time.
 */
function tellRequests(): void {
  const came: [slot: number, head: string][] = [];
  const left: number[] = [];
  let count = 0;
  for (let slot = 0; slot < serials.length; slot++) {
    const serial = serials[slot]!;
    if (serial !== seen[slot]) {
      if (seen[slot] !== 0) left.push(slot);
      seen[slot] = serial;
      ticks[slot] = 0;
    }
    if (serial === 0) continue;
    count += 1;
    ticks[slot]! += 1;
    if (ticks[slot] === 1) came.push([slot, headOf(slot)]);
  }
  if (parent === undefined) return;
  const isSilent = silentMs >= QUIET_MS;
  const rss = isSilent || count > 0 ? process.memoryUsage.rss() : toldMemory;
  const step = isSilent ? 2 ** 20 : GROWN_BYTES;
  if (came.length === 0 && left.length === 0 && Math.abs(rss - toldMemory) < step) return;
  tell(`${JSON.stringify({ kind: 'inHand', came, left, ...(rss === toldMemory ? {} : { rss }) })}\n`);
  toldMemory = rss;
}

function headOf(slot: number): string {
  const { heads, lengths } = requests;
  const from = slot * (heads.length / serials.length);
  return String.fromCharCode(...heads.subarray(from, from + lengths[slot]!));
}

function tell(text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // The parent is gone, or does not read.
  }
}

/**
 * Ends a process whose parent is gone: at the deadline of its stop, or earlier if its event loop is stuck, because it then serves no client
 * and keeps the port from the next start.
 */
function endOrphan(): void {
  const timeoutMs = Atomics.load(shared, fields.timeoutMs);
  if (timeoutMs > 0 && orphanedMs > timeoutMs + GRACE_MS) kill(`did not stop in ${timeoutMs / 1000} s`);
  const stuckMs = Math.min(silentMs, orphanedMs);
  const isDebugged = Atomics.load(shared, fields.debugged) === 1;
  if (!isDebugged && stuckMs > Atomics.load(shared, fields.stuckMs) + ORPHAN_STACK_MS)
    kill(`has lost its parent and sends no heartbeat for ${silentMs / 1000} s`);
}

/** Uses the inspector, which interrupts a main thread in a loop; one in native code, such as a system call, stops when that has returned. */
function takeStack(taken: (frames: readonly Frame[]) => void): void {
  const session = new Session();
  session.connectToMainThread();
  // Frames have only the number of their script; this event, sent for all scripts when it is enabled, has the URL.
  const scripts = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url));
  session.once('Debugger.paused', ({ params }) => {
    const frames = params.callFrames.map((frame) => {
      const { scriptId, lineNumber, columnNumber = 0 } = frame.location;
      const name = frame.functionName || '<anonymous>';
      return { name, url: scripts.get(scriptId) ?? '', place: `${lineNumber + 1}:${columnNumber + 1}` };
    });
    // First of all: a parent that does not read what it is sent must not hold the main thread.
    session.post('Debugger.resume');
    session.disconnect();
    taken(frames);
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

const MODULES = '/node_modules/';

/** A frame of the main thread. */
interface Frame {
  readonly name: string;
  /** URL of its script; empty for code made from text. */
  readonly url: string;
  readonly place: string;
}

/** Most frames of a stack without frames of the application. */
const LIBRARY_FRAMES = 10;

/** Returns the application's frames, innermost first; library frames between them are joined in one line. */
function folded(frames: readonly Frame[]): string[] {
  const first = frames.findIndex((frame) => libraryOf(frame) === undefined);
  const shown = first === -1 ? frames.slice(0, LIBRARY_FRAMES) : frames.slice(first, first + 1);
  const lines = shown.map(({ name, url, place }) => `at ${name} (${url}:${place})`);
  // The library function that the application called.
  if (first > 0) lines[0] += `, in ${frames[0]!.name} of ${libraryOf(frames[0]!)}`;
  let run: Frame[] = [];
  const foldRun = (): void => {
    if (run.length === 0) return;
    const names = [...new Set(run.map(libraryOf))].join(', ');
    lines.push(`(${run.length} ${run.length === 1 ? 'frame' : 'frames'} of ${names})`);
    run = [];
  };
  for (const frame of frames.slice(first === -1 ? LIBRARY_FRAMES : first + 1)) {
    if (libraryOf(frame) !== undefined) {
      run.push(frame);
      continue;
    }
    foldRun();
    lines.push(`at ${frame.name} (${frame.url}:${frame.place})`);
  }
  foldRun();
  return lines;
}

/** Returns the package of a frame, `node` for Node's own; undefined for the application. */
function libraryOf({ url }: Frame): string | undefined {
  if (url.startsWith('node:')) return 'node';
  if (url.startsWith(own)) return 'portico';
  const at = url.lastIndexOf(MODULES);
  if (at === -1) return undefined;
  const [scope = '', name] = url.slice(at + MODULES.length).split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}
