/**
 * The small thread of each worker. It does two things that the main thread cannot do while its loop is stuck: it ends the
 * process when the parent is gone, and it tells the parent what the main thread is stuck in.
 */
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import type { WatchData } from './watch.js';

const TICK_MS = 250;
/** After its deadline an orphan gets so much more to end by itself. */
const ORPHAN_GRACE_MS = 1000;
/** Where graceful stops have no limit, an orphan is only ended when its loop stood still for so long. */
const ENDLESS_ORPHAN_STUCK_MS = 30_000;

const { shared, fields, parent, descriptor } = workerData as WatchData;
let beats = Atomics.load(shared, fields.beats);
// Time is counted in ticks, not by a clock: a process that was suspended as a whole was not stuck.
let silentMs = 0;
let orphanedMs = 0;
let reported = false;

setInterval(() => {
  if (process.ppid !== parent) orphanedMs += TICK_MS;
  const now = Atomics.load(shared, fields.beats);
  silentMs = now === beats ? silentMs + TICK_MS : 0;
  if (silentMs === 0) reported = false;
  beats = now;
  if (orphanedMs > 0) endOrphan();
  if (silentMs < Atomics.load(shared, fields.stuckMs) || reported || Atomics.load(shared, fields.debugged) === 1)
    return;
  reported = true;
  takeStack();
}, TICK_MS);

function endOrphan(): void {
  const timeoutMs = Atomics.load(shared, fields.timeoutMs);
  const over = timeoutMs === 0 ? silentMs > ENDLESS_ORPHAN_STUCK_MS : orphanedMs > timeoutMs + ORPHAN_GRACE_MS;
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
    try {
      writeSync(descriptor, `${JSON.stringify({ kind: 'stuck', stack })}\n`);
    } catch {
      // The parent is gone, and with it the reader.
    }
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}
