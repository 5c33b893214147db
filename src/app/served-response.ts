/** Responses of a `Server`. */
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
 * A response that counts its body from the start, as `countAnswer` does, and has properties for what filters add: V8 then uses one shape
 * for all responses. `write`, `end` and `writeHead` are own properties, because Express changes the prototype.
 *
 * Headers given to `writeHead` are stored as a list while listeners of `beforeHead` read and change them, and after the head for later
 * readers. `foldFields` ends the list for a response with another prototype, a listener that throws or holds the head, and a header with
 * several values.
 */
export class ServedResponse extends ServerResponse {
  declare [FIELDS]: HeadFields | undefined;

  /** Node passes options after the request, which its types do not declare. */
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

  // Documented by Node, but missing in its types.
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
    // Node refuses it after the head.
    if (fields === undefined || headSent.call(this)) return super.setHeader(name, value);
    validateHeaderName(name);
    validateHeaderValue(name, value as string);
    const at = placeOfField(fields, name);
    if (at < 0) fields.push(name, value as string);
    else fields.splice(at, 2, name, value as string);
    return this;
  }

  /** A stream of events sends its head before it has any data. */
  override flushHeaders(): void {
    const { first } = (this as unknown as Record<symbol, BodyLayer>)[BODY]!;
    first.beganAt ||= performance.now();
    super.flushHeaders();
  }

  override appendHeader(name: string, value: string | readonly string[]): this {
    foldFields(this);
    return super.appendHeader(name, value);
  }

  override removeHeader(name: string): void {
    // Node records that some headers must not be sent at all, and refuses this after the head.
    super.removeHeader(name);
    const fields = this[FIELDS];
    const at = fields === undefined ? -1 : placeOfField(fields, name);
    if (at >= 0) fields!.splice(at, 2);
  }
}

const { getRawHeaderNames: rawNames } = ServerResponse.prototype as unknown as { getRawHeaderNames(): string[] };

// Not on the response itself: a changed prototype has no methods that read the list.
Object.defineProperty(ServedResponse.prototype, KEEPS_FIELDS, { value: true });
