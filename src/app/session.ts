/** The session of a caller, kept by the filter `session`. */
import type { Identity } from './identity.js';

/**
 * Content of a session, as JSON: the caller, and members that an application adds by declaration merging (`declare module 'portico/app' { interface
 * SessionData { cart?: string[] } }`).
 */
export interface SessionData extends Identity {}

/** The session of a request. A change is in the response if it is made before the head is sent. */
export interface Session {
  /** Its data; undefined without a session. */
  readonly data: Readonly<SessionData> | undefined;
  /** Begins a session: at a log in. It replaces the present one, with another id. */
  begin(data: SessionData): Promise<void>;
  /** Changes some of its data; begins one if there is none. */
  update(data: Partial<SessionData>): Promise<void>;
  /** Ends it: at a log out. */
  end(): Promise<void>;
}
