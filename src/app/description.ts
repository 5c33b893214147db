/**
 * What filters and apps say of themselves: of one request to `api-cli explain`, of all to `api-cli openapi`.
 */
import type { IncomingMessage } from 'node:http';
import type { App, Filter } from './app.js';

/** What a filter or an app does. */
export interface Description {
  /** The rest of a sentence whose subject it is: "answers 413 to a body of more than 114688 bytes". */
  readonly does: string;
  /**
   * Whether a filter answers in the place of the app inside it: never, which is the default; perhaps; always, or with this
   * status, which is said of the request that is asked about.
   */
  readonly answers?: 'never' | 'perhaps' | 'always' | number;
  /** What the app inside sees of the URL, where that is something else. */
  readonly rewrites?: { readonly scriptName: string; readonly url: string };
  /** What it adds to each operation of an OpenAPI document. */
  readonly openapi?: OpenApiAdditions;
}

/** What a filter adds to every operation it is around. Responses without `content` are faults. */
export interface OpenApiAdditions {
  readonly parameters?: readonly object[];
  readonly responses?: Readonly<Record<string, object>>;
  /** Headers of every response. */
  readonly headers?: Readonly<Record<string, object>>;
  /** Headers of a 200 to GET and HEAD. */
  readonly contentHeaders?: Readonly<Record<string, object>>;
  readonly security?: readonly object[];
  /** The schemes that `security` names. */
  readonly securitySchemes?: Readonly<Record<string, object>>;
}

/** A filter or app in code, such as those around the controllers of a Router, that says what it does. */
export interface Described {
  readonly describe?: (req?: IncomingMessage) => Description;
}

/** What a filter or app made in code says of itself. */
export function descriptionOf(made: Filter | App, req?: IncomingMessage): Description | undefined {
  return (made as Described).describe?.(req);
}
