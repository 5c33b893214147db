/** A whole response: its head and its body at once. */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { EXCHANGE, type Exchange, NODE } from '../exchange.js';
import { headSent, type Methods } from '../response-methods.js';
import { end } from './response-body.js';
import { mayList, writeHead } from './served-response.js';

type Carrier = ServerResponse & Methods & { readonly [EXCHANGE]?: Exchange | undefined };

/**
 * Sends a whole response: a head, which declares the length of the body, and the body. `headers`: by name in lower case. If nothing has to
 * see them in between, Node gets both at once.
 */
export function sendWhole(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array | undefined,
): void {
  const { [EXCHANGE]: exchange, writeHead: head, end: last } = res as Carrier;
  const isOurs = exchange !== undefined && head === writeHead && last === end && !headSent.call(res) && !res.destroyed;
  const isDirect = isOurs && !exchange.hasStages && exchange.bodyWay === undefined && mayList(exchange);
  const fields = isDirect ? fieldsOf(headers, exchange.headStages as string[] | undefined) : undefined;
  if (fields === undefined) {
    res.writeHead(status, headers);
    res.end(body);
    return;
  }
  NODE.writeHead.call(res, status, undefined, fields);
  const { 'content-length': length = -1 } = headers;
  exchange!.headFields = fields;
  exchange!.headStages = undefined;
  exchange!.declaredLength = Number(length);
  exchange!.writtenBytes = body === undefined ? 0 : exchange!.declaredLength;
  exchange!.bodyEnded = true;
  if (exchange!.beganAt === 0) exchange!.beganAt = performance.now();
  NODE.end.call(res, body);
}

/**
 * Returns headers, and those that filters have added unless they are set, as names and values in turn. Undefined if one is not plain text.
 * `writeHead` has to look for each name in its list, because an application may write it in any case; these are in lower case.
 */
function fieldsOf(
  headers: OutgoingHttpHeaders,
  added: readonly string[] | undefined,
): OutgoingHttpHeader[] | undefined {
  // With room for most: a list that grows from nothing takes room for seventeen.
  // oxlint-disable-next-line unicorn/no-new-array -- `Array.from` calls a function for each entry
  const fields = new Array<OutgoingHttpHeader>(4 + (added?.length ?? 0));
  let size = 0;
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'object' || name === 'content-disposition') return undefined;
    fields[size++] = name;
    fields[size++] = value!;
  }
  for (let at = (added?.length ?? 0) - 1; at > 0; at -= 2) {
    const name = added![at]!;
    if (headers[name] !== undefined) continue;
    fields[size++] = name;
    fields[size++] = added![at - 1]!;
  }
  // V8 calls its runtime to set a length, even the same one.
  if (fields.length !== size) fields.length = size;
  return fields;
}
