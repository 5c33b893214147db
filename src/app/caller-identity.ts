/**
 * The identity of a caller, as an authenticator finds it or a context holds it; and the session in which the filter `session` keeps it.
 */

/** A caller and its scope. Every field may be unknown. */
export interface Identity {
  /** Id of the user. */
  readonly userId?: string | undefined;
  /** Name of the user. */
  readonly userName?: string | undefined;
  /** Id of the project that the token is for. */
  readonly projectId?: string | undefined;
  /** Name of the project. */
  readonly projectName?: string | undefined;
  /** The domain of a token without a project; the user's own domain is `userDomainId`. */
  readonly domainId?: string | undefined;
  /** Name of the domain of a token without a project. */
  readonly domainName?: string | undefined;
  /** Id of the user's own domain. */
  readonly userDomainId?: string | undefined;
  /** Name of the user's own domain. */
  readonly userDomainName?: string | undefined;
  /** Id of the project's domain. */
  readonly projectDomainId?: string | undefined;
  /** Name of the project's domain. */
  readonly projectDomainName?: string | undefined;
  /** `all`: the token is for the whole system. */
  readonly systemScope?: string | undefined;
  /** Whether the identity service marks the project as its administrators' project. */
  readonly isAdminProject?: boolean | undefined;
  /** Names of the roles of the user in its scope: `admin`, `member`. */
  readonly roles?: readonly string[] | undefined;
}

/**
 * Content of a session, as JSON: the caller, and members that an application adds by declaration merging (`declare module 'portico/app' {
 * interface SessionData { cart?: string[] } }`).
 */
export interface SessionData extends Identity {}

/**
 * The session of a request. A change is in the response if it is made before the headers are sent. A response with a status of 500 or more
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
