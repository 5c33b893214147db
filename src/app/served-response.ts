/**
 * Responses that a `Server` makes.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import { LAYER } from './before-head.js';
import { BODY, BodyLayer } from './response-body.js';

/**
 * Counts its body from the start, as `countAnswer` has it, and has places for what filters put on it: V8 then keeps one shape for all
 * responses. The methods are the response's own, for Express gives it another prototype.
 */
export class ServedResponse extends ServerResponse {
  /** Node passes options behind the request, which its types do not have. */
  constructor(...made: [IncomingMessage]) {
    super(...made);
    const places = this as unknown as Record<string | symbol, unknown>;
    const layer = new BodyLayer(this, undefined);
    layer.isCounted = true;
    places[BODY] = layer;
    places.write = layer.write;
    places.end = layer.end;
    places[LAYER] = undefined;
    places.writeHead = this.writeHead;
  }
}
