/** The state of a request in words: whether its application works, or waits, for whom, and since when. A view of its slot and connection. */
import type { SlotState } from '../../app/internal.js';
import { unsentBytes } from '../../wire/index.js';
import type { Exchange } from './connection.js';

/**
 * `filters`: it is in the filters; `queue`: it waits for a slot; `handler`: its application works; `alone`: it works, and its client has left;
 * `body`: the application waits for the body; `client`: the response waits until its client reads; `stream`: the response has begun, and
 * waits for its next part.
 */
export type RequestState = 'filters' | 'queue' | 'handler' | 'alone' | 'body' | 'client' | 'stream';

const OF_SLOT: Readonly<Record<SlotState, RequestState>> = {
  none: 'filters',
  queued: 'queue',
  granted: 'handler',
  held: 'handler',
  client: 'stream',
  returned: 'stream',
  alone: 'alone',
  left: 'filters',
};

/** Returns the state of a request that began at `since`, and its age in milliseconds; `client` counts from the last byte that its client took. */
export function requestState(
  exchange: Exchange,
  now: number,
): { readonly state: RequestState; readonly stateMs: number } {
  const { req, res, since, slotAt, ofConnection, poolSlot: slot } = exchange;
  const isOpen = slot !== 'alone' && !req.socket.destroyed;
  if (isOpen && (res.headersSent || res.writableEnded) && unsentBytes(req.socket) > 0) {
    // As the timeouts saw it, once a second.
    return { state: 'client', stateMs: now - (ofConnection.movement?.stalledSince ?? now) };
  }
  const waitsForBody = slot === 'client' && !req.complete && !res.headersSent;
  const state = waitsForBody ? 'body' : OF_SLOT[slot];
  const works = state === 'handler' || state === 'alone';
  return { state, stateMs: now - (works ? slotAt || since : since) };
}
