/**
 * Signs of life of one worker: its heartbeats, and the reports of its watch thread, which sees the main thread stuck. Only this file writes
 * them.
 */
import { restMs, SILENT_MS } from '../launcher-options.js';
import type { Told } from './worker-channel.js';

export class WorkerBeat {
  /** Time of the last heartbeat, on the monotonic clock; of an idle worker, a second before its next one is due. */
  at = performance.now();
  /** True if its heartbeats are rare, because it has nothing to do. */
  rests = false;
  /** Seconds without a heartbeat, as its supervisor counts them; negative while none is due. */
  silentSeconds = 0;
  /** True while a debugger is attached: a missing heartbeat then means nothing. */
  debugged = false;
  /** Facts of the last heartbeat. */
  facts: Readonly<Record<string, unknown>> = {};
  /** Stack of a stuck main thread, innermost frame first; frames of libraries are folded. */
  stack: readonly string[] | undefined;
  /** Resident memory in bytes, as last reported by the worker or its watch thread. */
  rss: number | undefined;

  /** Reports whether it has sent no heartbeat for so long that it counts as stuck. */
  get silent(): boolean {
    return !this.debugged && performance.now() - this.at > SILENT_MS;
  }

  /** Notes a heartbeat, with the time of the next one. */
  came({ debugged, facts, nextMs }: Extract<Told, { kind: 'beat' }>): void {
    this.heard(restMs(nextMs));
    this.stack = undefined;
    this.debugged = debugged;
    this.facts = facts;
    this.weighs(typeof facts.rss === 'number' ? facts.rss : undefined);
  }

  /** Notes a report that the main thread is stuck. If the worker was idle, no heartbeat was due yet. */
  stuck({ stack, silentMs }: Extract<Told, { kind: 'stuck' }>): void {
    this.stack = stack;
    if (this.rests) this.heard(-(silentMs ?? 0));
  }

  /** Notes its resident memory, if it is known. */
  weighs(rss: number | undefined): void {
    this.rss = rss ?? this.rss;
  }

  /** Notes a sign of life: silence counts from `laterMs` on. */
  heard(laterMs: number): void {
    this.rests = laterMs > 0;
    this.silentSeconds = -laterMs / 1000;
    this.at = performance.now() + laterMs;
  }

  /** Counts seconds of silence, never more than the clock shows, because a heartbeat may have come in between. */
  count(seconds: number): void {
    this.silentSeconds = Math.min(this.silentSeconds + seconds, (performance.now() - this.at) / 1000);
  }
}
