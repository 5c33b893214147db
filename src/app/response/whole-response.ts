/** A whole response: its head and its body at once. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { EXCHANGE, type Exchange, NODE } from '../exchange.js';
import { headSent, type Methods } from '../response-methods.js';
import { end, lengthError } from './response-body.js';
import { asList, writeHead } from './served-response.js';

type Carrier = ServerResponse & Methods & { readonly [EXCHANGE]?: Exchange | undefined };

/**
 * Sends a whole response: a head, which declares the length of the body, and the body. `headers`: by name in lower case. If nothing has to
 * see them in between, Node gets both at once. Throws if another length was set before.
 */
export function sendWhole(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array | undefined,
): void {
  const { [EXCHANGE]: exchange, writeHead: head, end: last } = res as Carrier;
  const isOurs = exchange !== undefined && head === writeHead && last === end && !headSent.call(res) && !res.destroyed;
  const isDirect = isOurs && !exchange.hasStages && exchange.bodyWay === undefined;
  const fields = isDirect ? asList(exchange, headers, true) : undefined;
  const { 'content-length': length = -1 } = headers;
  if (fields === undefined) {
    const declared = res.getHeader('content-length') ?? length;
    if (Number(declared) !== length && length !== -1) throw lengthError(declared, Number(length));
    res.writeHead(status, headers);
    res.end(body);
    return;
  }
  NODE.writeHead.call(res, status, undefined, fields);
  exchange!.headFields = fields;
  exchange!.headStages = undefined;
  exchange!.declaredLength = Number(length);
  exchange!.writtenBytes = body === undefined ? 0 : exchange!.declaredLength;
  exchange!.bodyEnded = true;
  if (exchange!.beganAt === 0) exchange!.beganAt = performance.now();
  NODE.end.call(res, body);
}
