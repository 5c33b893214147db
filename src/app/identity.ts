/** The identity of a caller, as an authenticator finds it or a context holds it. */

/** A caller and its scope. Every field may be unknown. */
export interface Identity {
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  /** The domain of a token without a project; the user's own domain is `userDomainId`. */
  readonly domainId?: string | undefined;
  readonly domainName?: string | undefined;
  readonly userDomainId?: string | undefined;
  readonly userDomainName?: string | undefined;
  readonly projectDomainId?: string | undefined;
  readonly projectDomainName?: string | undefined;
  /** `all`: the token is for the whole system. */
  readonly systemScope?: string | undefined;
  /** Whether the identity service marks the project as its administrators' project. */
  readonly isAdminProject?: boolean | undefined;
  readonly roles?: readonly string[] | undefined;
}
