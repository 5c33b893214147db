/**
 * Bodies of routes that say what they take: the type of a request's body, the refusal of others (RFC 9110 §15.5.16), and their reading.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Fault } from '../../app/index.js';
import { bodyLengthOf, collectBody, exchangeOf, limitBody, tooLarge } from '../../app/internal.js';
import { readFields } from '../actions/query-lists.js';
import type { TakenType, TakenTypes } from '../actions/taken-types.js';
import type { ActionCall, Fail } from './action-call.js';
import {
  type BodyDone,
  collected,
  isMediaType,
  parseJsonBody,
  refuseEncoding,
  typeOf,
  unsupported,
} from './request-body.js';

/**
 * Reads the body of a call whose action takes other types than JSON, and notes its type. `fail` ends the request if a stream exceeds the
 * limit while the action reads it. Throws a `Fault` 415 for a type that is not taken, and for a compressed body.
 */
export function readTyped(
  call: ActionCall,
  payload: Readable,
  { limit, ofAction }: { readonly limit: number; readonly ofAction: number | undefined },
  fail: Fail,
  done: BodyDone,
): void {
  const { req, response: res } = call;
  const length = bodyLengthOf(exchangeOf(req));
  const taken = takenType(req, call.entry.takes!, length !== 0);
  call.taken = taken;
  if (taken.read === 'stream') {
    // An upload has no limit but the one that is written for it.
    if (ofAction !== undefined && length > ofAction) throw tooLarge(ofAction);
    if (ofAction !== undefined) {
      limitBody(req, ofAction, () => {
        const fault = tooLarge(ofAction);
        call.abort(fault);
        if (!res.headersSent) fail(req, res, fault);
        return fault;
      });
    }
    done(null, payload, 0);
  } else if (length === 0) done(null, taken.checks.length > 0 ? undefined : valueIn(taken, Buffer.alloc(0)), 0);
  else collectBody(payload, limit, (error, bytes) => collected(error, bytes, (whole) => valueIn(taken, whole), done));
}

function takenType(req: IncomingMessage, takes: TakenTypes, isPresent: boolean): TakenType {
  if (isPresent) refuseEncoding(req);
  const { 'content-type': type } = req.headers;
  const taken = type === undefined || isMediaType(type) ? takes.of(typeOf(req)) : undefined;
  if (taken === undefined && (isPresent || type !== undefined)) throw unsupported(req, takes.names);
  return taken ?? takes.first;
}

function valueIn({ read }: TakenType, bytes: Buffer): unknown {
  if (read === 'bytes') return bytes;
  if (read === 'json') return parseJsonBody(null, bytes);
  if (!isUtf8(bytes)) throw new Fault(400, { message: 'The body is not UTF-8.', kind: 'body' });
  const text = bytes.toString('utf8');
  return read === 'form' ? readFields(text, 'body') : text;
}
