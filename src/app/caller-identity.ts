/** The identity of a caller, as an authenticator finds it or a context holds it. */

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
