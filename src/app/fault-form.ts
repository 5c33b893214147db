/** The format of an API's faults: the name of a style, or a renderer. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Fault } from './fault.js';

/** The rendered parts of a fault's response. */
export interface RenderedFault {
  /** The media type of the body. Default: the renderer's own `type`, else `application/json`. */
  readonly type?: string | undefined;
  /** Additional headers; headers of the fault take precedence. */
  readonly headers?: Readonly<OutgoingHttpHeaders> | undefined;
  /** Text, or a value that is sent as JSON. */
  readonly body: unknown;
}

/** Renders faults. The caller sets the status, the fault's own headers and the length. */
export interface FaultRenderer {
  (fault: Fault, request: IncomingMessage): RenderedFault;
  /** The media type of its bodies, for responses and OpenAPI documents. Default: `application/json`. */
  type?: string | undefined;
  /** The JSON Schema of its bodies, for OpenAPI documents. Default: any value. */
  schema?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The format of faults.
 *
 * - `portico`: `{"error": {"code", "title", "message", "issues", "request_id"}}`; as `problem` for a client that prefers
 * `application/problem+json`, as `text/plain` for one that accepts neither.
 * - `problem`: `application/problem+json` (RFC 9457), always.
 * - `openstack`: `{"<name>": {"code", "message"}}`, always JSON, like OpenStack's compute API.
 * - A renderer of the application.
 */
export type FaultStyle = FaultStyleName | FaultRenderer;

/** The names of the built-in styles. */
export const FAULT_STYLE_NAMES = ['portico', 'openstack', 'problem'] as const;

/** The built-in styles. */
export type FaultStyleName = (typeof FAULT_STYLE_NAMES)[number];

/** Reports whether a text is the name of a built-in style. */
export function isStyleName(text: string): text is FaultStyleName {
  return (FAULT_STYLE_NAMES as readonly string[]).includes(text);
}

/** Fault settings in code. */
export interface WrittenForm {
  readonly faultStyle?: FaultStyle | undefined;
  readonly invalidInputStatus?: number | undefined;
}

/** The format of faults that applies to a request. */
export interface FaultForm {
  readonly style: FaultStyle;
  /** The status of a request that fails validation. */
  readonly invalidInputStatus: number;
}
