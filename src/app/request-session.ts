/** The session of a caller, kept by the filter `session`. */
import type { Identity } from './caller-identity.js';

/**
 * Content of a session, as JSON: the caller, and members that an application adds by declaration merging (`declare module 'portico/app' { interface
 * SessionData { cart?: string[] } }`).
 */
export interface SessionData extends Identity {}

/**
 * The session of a request. A change is in the response if it is made before the head is sent. A response with a status of 500 or more
 * sends no session that the request began or changed; one that it ended stays ended.
 */
export interface Session {
  /** Its data; undefined without a session. */
  readonly data: Readonly<SessionData> | undefined;
  /** Begins a session: at a log in. It replaces the present one, with another id. */
  begin(data: SessionData): Promise<void>;
  /**
   * Changes some of its data; begins one if there is none. Another `userId` begins a new session, with another id and without what is known
   * of the former caller, such as roles; null, undefined or an empty text logs the caller out. All other members stay.
   */
  update(data: Partial<SessionData>): Promise<void>;
  /** Ends it: at a log out. */
  end(): Promise<void>;
}
