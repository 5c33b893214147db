/**
 * Identity of a caller, found by an authenticator or held by a context.
 */

/** A caller and its scope. Every field may be unknown. */
export interface Identity {
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  /** Of the domain that the token is for, where it is for no project; the user's own is `userDomainId`. */
  readonly domainId?: string | undefined;
  readonly domainName?: string | undefined;
  readonly userDomainId?: string | undefined;
  readonly userDomainName?: string | undefined;
  readonly projectDomainId?: string | undefined;
  readonly projectDomainName?: string | undefined;
  /** `all`: the token is for the whole system. */
  readonly systemScope?: string | undefined;
  /** Whether the identity service calls the project that of its administrators. */
  readonly isAdminProject?: boolean | undefined;
  readonly roles?: readonly string[] | undefined;
}
