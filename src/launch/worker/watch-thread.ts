/**
 * The small thread of each process that serves. It does what the main thread cannot do while its loop is stuck: in a worker
 * it ends the process when the parent is gone, and tells the parent what the main thread is stuck in; where there is no
 * parent it ends the process after `worker_timeout`, and soon after the deadline of a stop, and says what it was stuck in.
 */
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import type { WatchData } from './watch.js';

const TICK_MS = 250;
/** After its deadline a process gets so much more to end by itself. */
const GRACE_MS = 1000;
/** Where graceful stops have no limit, an orphan is only ended when its loop stood still for so long. */
const ENDLESS_ORPHAN_STUCK_MS = 30_000;

const { shared, fields, parent, descriptor } = workerData as WatchData;
let beats = Atomics.load(shared, fields.beats);
// Time is counted in ticks, not by a clock: a process that was suspended as a whole was not stuck.
let silentMs = 0;
let orphanedMs = 0;
/** How long the process may take to stop, and how much of that has passed. */
let stopMs = 0;
let stoppingMs = 0;
let overdue = false;
let reported = false;
let stuckIn: readonly string[] | undefined;

setInterval(() => {
  if (parent !== undefined && process.ppid !== parent) orphanedMs += TICK_MS;
  const now = Atomics.load(shared, fields.beats);
  silentMs = now === beats ? silentMs + TICK_MS : 0;
  if (silentMs === 0) reported = false;
  beats = now;
  if (orphanedMs > 0) endOrphan();
  const stopsWithin = Atomics.load(shared, fields.stopMs);
  stoppingMs = stopsWithin === stopMs ? stoppingMs + TICK_MS : 0;
  stopMs = stopsWithin;
  if (stopMs > 0 && stoppingMs > stopMs + GRACE_MS) endOverdue();
  else overdue = false;
  if (silentMs < Atomics.load(shared, fields.stuckMs) || Atomics.load(shared, fields.debugged) === 1) return;
  const endMs = Atomics.load(shared, fields.endMs);
  if (parent === undefined && endMs > 0 && silentMs > endMs) {
    kill(`gave no sign of life for ${endMs / 1000} s`);
  }
  if (reported) return;
  reported = true;
  stuckIn = undefined;
  takeStack();
}, TICK_MS);

/** A stop whose deadline has passed. What the main thread is in now is known with the next tick. */
function endOverdue(): void {
  if (overdue) kill(`did not stop in ${stopMs / 1000} s`);
  overdue = true;
  stuckIn = undefined;
  takeStack();
}

function kill(why: string): void {
  const stack = stuckIn?.map((frame) => `\n    ${frame}`).join('') ?? ' (its stack could not be taken)';
  tell(`Process ${process.pid} ${why}, killing it; it was stuck in:${stack}\n`);
  process.kill(process.pid, 'SIGKILL');
}

function tell(text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // The reader is gone.
  }
}

function endOrphan(): void {
  const timeoutMs = Atomics.load(shared, fields.timeoutMs);
  const over = timeoutMs === 0 ? silentMs > ENDLESS_ORPHAN_STUCK_MS : orphanedMs > timeoutMs + GRACE_MS;
  if (over) process.kill(process.pid, 'SIGKILL');
}

/** Through the inspector, which reaches a main thread in a loop; one blocked in a system call does not answer. */
function takeStack(): void {
  const session = new Session();
  session.connectToMainThread();
  // Frames know their script by its number only; its address comes with this event, for all scripts, when it is enabled.
  const scripts = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url));
  session.once('Debugger.paused', ({ params }) => {
    const stack = params.callFrames.map((frame) => {
      const { scriptId, lineNumber, columnNumber = 0 } = frame.location;
      const place = `${scripts.get(scriptId) ?? ''}:${lineNumber + 1}:${columnNumber + 1}`;
      return `at ${frame.functionName || '<anonymous>'} (${place})`;
    });
    session.post('Debugger.resume');
    session.disconnect();
    stuckIn = stack;
    if (parent !== undefined) tell(`${JSON.stringify({ kind: 'stuck', stack })}\n`);
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}
