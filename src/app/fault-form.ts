/**
 * How an API writes its faults: the name of a style, or a renderer.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Fault } from './fault.js';

/** An answer to a fault, as far as a style decides it. */
export interface RenderedFault {
  /** The media type of the body. Default: the renderer's own `type`, else `application/json`. */
  readonly type?: string | undefined;
  /** Headers besides those of the fault, which win. */
  readonly headers?: Readonly<OutgoingHttpHeaders> | undefined;
  /** Text, or a value that is sent as JSON. */
  readonly body: unknown;
}

/** Writes faults. Status, the fault's own headers and the length are set around it. */
export interface FaultRenderer {
  (fault: Fault, request: IncomingMessage): RenderedFault;
  /** The media type of its bodies, for answers and OpenAPI documents. Default: `application/json`. */
  type?: string | undefined;
  /** The JSON Schema of its bodies, for OpenAPI documents. Default: any value. */
  schema?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * How faults are written.
 *
 * - `portico`: `{"error": {"code", "title", "message", "issues", "request_id"}}`; as `problem` for a client that prefers
 *   `application/problem+json`, as `text/plain` for one that accepts neither.
 * - `problem`: `application/problem+json` (RFC 9457), always.
 * - `openstack`: `{"<name>": {"code", "message"}}`, always JSON, as OpenStack's compute API.
 * - A function of the application.
 */
export type FaultStyle = FaultStyleName | FaultRenderer;

/** The styles that ship. */
export type FaultStyleName = 'portico' | 'openstack' | 'problem';

/** How an API writes its faults, as its requests find it. */
export interface FaultForm {
  readonly style: FaultStyle;
  /** The status of a request that a schema has refused. */
  readonly invalidInputStatus: number;
}
