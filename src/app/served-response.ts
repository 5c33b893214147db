/**
 * Responses that a `Server` makes.
 */
import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http';
import { FIELDS, foldFields, KEEPS_FIELDS, LAYER } from './before-head.js';
import { fieldsAsObject, type HeadFields, placeOfField } from './head-fields.js';
import { BODY, BodyLayer } from './response-body.js';
import { headSent } from './response-methods.js';

/**
 * Counts its body from the start, as `countAnswer` has it, and has places for what filters put on it: V8 then keeps one shape for all
 * responses. `write`, `end` and `writeHead` are the response's own, for Express gives it another prototype.
 *
 * Headers given to `writeHead` are a list while listeners of `beforeHead` see and change them, and behind the head, for who reads
 * them. A response with another prototype, a listener that throws or holds the head, and a header with several values end the list:
 * `foldFields`.
 */
export class ServedResponse extends ServerResponse {
  declare [FIELDS]: HeadFields | undefined;

  /** Node passes options behind the request, which its types do not have. */
  constructor(...made: [IncomingMessage]) {
    super(...made);
    const places = this as unknown as Record<string | symbol, unknown>;
    const layer = new BodyLayer(this, undefined, ServedResponse.prototype as unknown as BodyLayer['below']);
    layer.isCounted = true;
    places[BODY] = layer;
    places.write = layer.write;
    places.end = layer.end;
    places[LAYER] = undefined;
    places[FIELDS] = undefined;
    places.writeHead = this.writeHead;
  }

  override getHeader(name: string): OutgoingHttpHeader | undefined {
    const fields = this[FIELDS];
    if (fields === undefined || typeof name !== 'string') return super.getHeader(name);
    const at = placeOfField(fields, name);
    return at < 0 ? undefined : fields[at + 1];
  }

  override hasHeader(name: string): boolean {
    const fields = this[FIELDS];
    if (fields === undefined || typeof name !== 'string') return super.hasHeader(name);
    return placeOfField(fields, name) >= 0;
  }

  override getHeaderNames(): string[] {
    return this[FIELDS] === undefined ? super.getHeaderNames() : Object.keys(this.getHeaders());
  }

  // Node documents it, its types do not have it.
  getRawHeaderNames(): string[] {
    const fields = this[FIELDS];
    if (fields === undefined) return rawNames.call(this);
    return fields.filter((_each, at) => at % 2 === 0).map(String);
  }

  override getHeaders(): OutgoingHttpHeaders {
    const fields = this[FIELDS];
    return fields === undefined ? super.getHeaders() : fieldsAsObject(fields);
  }

  override setHeader(name: string, value: number | string | readonly string[]): this {
    if (typeof value === 'object') foldFields(this);
    const fields = this[FIELDS];
    // Node refuses it behind the head.
    if (fields === undefined || headSent.call(this)) return super.setHeader(name, value);
    validateHeaderName(name);
    validateHeaderValue(name, value as string);
    const at = placeOfField(fields, name);
    if (at < 0) fields.push(name, value as string);
    else fields.splice(at, 2, name, value as string);
    return this;
  }

  override appendHeader(name: string, value: string | readonly string[]): this {
    foldFields(this);
    return super.appendHeader(name, value);
  }

  override removeHeader(name: string): void {
    // Node notes that some are not to be sent at all, and refuses it behind the head.
    super.removeHeader(name);
    const fields = this[FIELDS];
    const at = fields === undefined ? -1 : placeOfField(fields, name);
    if (at >= 0) fields!.splice(at, 2);
  }
}

const { getRawHeaderNames: rawNames } = ServerResponse.prototype as unknown as { getRawHeaderNames(): string[] };

// Not on the response itself: another prototype has not the methods that read the list.
Object.defineProperty(ServedResponse.prototype, KEEPS_FIELDS, { value: true });
