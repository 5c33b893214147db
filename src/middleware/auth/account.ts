/** The account with which a service logs in to an OpenStack identity service: its missing options and its login request. */
import type { AccountOptions } from './auth-token-options.js';

/** Returns the names of the missing options of an account; empty if it can log in. */
export function missingIn(account: AccountOptions): string[] {
  const missing = account.authUrl === undefined ? ['auth_url'] : [];
  if (usesApplicationCredential(account)) {
    const { applicationCredentialId: id, applicationCredentialName: name } = account;
    if (id === undefined && name === undefined) missing.push('application_credential_id');
    if (id === undefined && name !== undefined && !hasUser(account)) missing.push('username');
    if (account.applicationCredentialSecret === undefined) missing.push('application_credential_secret');
    return missing;
  }
  if (!hasUser(account)) missing.push('username');
  if (account.password === undefined) missing.push('password');
  return missing;
}

function hasUser({ username, userId }: AccountOptions): boolean {
  return username !== undefined || userId !== undefined;
}

/** Returns one option name for each scope that the account has. */
export function scopesIn(account: AccountOptions): string[] {
  if (usesApplicationCredential(account)) return [];
  const { projectId, projectName, domainId, domainName, trustId, systemScope } = account;
  return [
    ...(projectId !== undefined || projectName !== undefined ? ['project_name'] : []),
    ...(domainId !== undefined || domainName !== undefined ? ['domain_name'] : []),
    ...(trustId !== undefined ? ['trust_id'] : []),
    ...(systemScope !== undefined ? ['system_scope'] : []),
  ];
}

function usesApplicationCredential(account: AccountOptions): boolean {
  const { authType, applicationCredentialId: id, applicationCredentialName: name } = account;
  return authType === 'v3applicationcredential' || (!authType && (id !== undefined || name !== undefined));
}

/** Returns the credentials of an account for the identity service (Identity API v3, `auth.identity`). */
export function identityFor(account: AccountOptions): object {
  if (usesApplicationCredential(account)) {
    const {
      applicationCredentialId: id,
      applicationCredentialName: name,
      applicationCredentialSecret: secret,
    } = account;
    const which = id === undefined ? { name, user: userOf(account) } : { id };
    return { methods: ['application_credential'], application_credential: { ...which, secret } };
  }
  return { methods: ['password'], password: { user: { ...userOf(account), password: account.password } } };
}

function userOf(account: AccountOptions): object {
  if (account.userId !== undefined) return { id: account.userId };
  return { name: account.username, domain: domainFor(account, account.userDomainId, account.userDomainName) };
}

/** Returns the `scope` member of the login request. An application credential has none, because its project is fixed. */
export function scopeFor(account: AccountOptions): object {
  if (usesApplicationCredential(account)) return {};
  if (account.projectId !== undefined) return { scope: { project: { id: account.projectId } } };
  if (account.projectName !== undefined) {
    const domain = domainFor(account, account.projectDomainId, account.projectDomainName);
    return { scope: { project: { name: account.projectName, domain } } };
  }
  const { domainId, domainName } = account;
  if (domainId !== undefined || domainName !== undefined) {
    return { scope: { domain: domainId === undefined ? { name: domainName } : { id: domainId } } };
  }
  if (account.trustId !== undefined) return { scope: { 'OS-TRUST:trust': { id: account.trustId } } };
  return account.systemScope === undefined ? {} : { scope: { system: { all: true } } };
}

/** Returns the domain with this id or name, or the default domain of the account. */
function domainFor(account: AccountOptions, id: string | undefined, name: string | undefined): object {
  if (id !== undefined) return { id };
  if (name !== undefined) return { name };
  const { defaultDomainId, defaultDomainName } = account;
  return defaultDomainId === undefined && defaultDomainName !== undefined
    ? { name: defaultDomainName }
    : { id: defaultDomainId ?? 'default' };
}
