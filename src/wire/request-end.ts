/**
 * The end of a request, noted as Node's streams note it.
 *
 * A stream that reads itself to its end takes several ticks for it and tells events for which hardly anybody waits. Where
 * nobody listens, the same notes can be left at once.
 */
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';

/** What Node's streams keep by names without documentation. */
interface Parts {
  /** Of how many events somebody wants to know. */
  readonly _eventsCount: number;
  readonly _readableState: {
    ended: boolean;
    endEmitted: boolean;
    dataEmitted: boolean;
    flowing: boolean | null;
    destroyed: boolean;
    closed: boolean;
    closeEmitted: boolean;
  };
}

/** Notes that a request has ended, is closed and destroyed, and tells nobody; `gaveData`: it had a body, which was read. */
export function noteEnd(req: IncomingMessage, gaveData: boolean): void {
  const { _readableState: notes } = req as IncomingMessage & Parts;
  if (gaveData) noteRead(req);
  // One by one: by names in a list they cost 0.5 µs.
  notes.ended = true;
  notes.endEmitted = true;
  notes.destroyed = true;
  notes.closed = true;
  notes.closeEmitted = true;
}

/** Notes that somebody has read of a request's body. */
export function noteRead(req: IncomingMessage): void {
  const { _readableState: notes } = req as IncomingMessage & Parts;
  notes.dataEmitted = true;
  notes.flowing = true;
}

/** Somebody has read, reads, or waits for the end. */
export function isWatched(req: IncomingMessage): boolean {
  return req.readableFlowing !== null || req.readableEnded || req.destroyed || isListened(req);
}

/**
 * Somebody listens to a request, or would hear of any event. The count and not `eventNames()`, which for a stream makes a list
 * of all names it has ever had: 0.3 µs.
 */
export function isListened(req: IncomingMessage): boolean {
  return (req as IncomingMessage & Parts)._eventsCount > 0 || req.emit !== EventEmitter.prototype.emit;
}
