/**
 * This service's own login at the identity service.
 */
import type { AccountOptions } from './auth-token-options.js';
import { type IdentityClient, tokenInfoOf } from './identity-client.js';
import { endOf, ValidatorUnavailable } from './token-validator.js';

/** A login that worked. */
export interface Login {
  readonly token: string;
  /** Where tokens are validated: ends in `/v3`. */
  readonly endpoint: string;
  readonly endsAt: number;
}

/** Which address in the catalog is meant. */
export interface EndpointChoice {
  readonly interface: string;
  readonly region: string | undefined;
}

/** Logged in again this long before the login ends, in milliseconds: its clock is another one. */
const MARGIN_MS = 30_000;

/** Logs in when it has to, once for all who wait. */
export class KeystoneSession {
  readonly #account: AccountOptions;
  readonly #client: IdentityClient;
  readonly #choice: EndpointChoice;
  #login: Login | undefined;
  #pending: Promise<Login> | undefined;

  constructor(account: AccountOptions, client: IdentityClient, choice: EndpointChoice) {
    this.#account = account;
    this.#client = client;
    this.#choice = choice;
  }

  /** The login there is, or a new one. Throws {@link ValidatorUnavailable} when that fails. */
  async login(): Promise<Login> {
    if (this.#login !== undefined && this.#login.endsAt - MARGIN_MS > Date.now()) return this.#login;
    this.#pending ??= this.#logIn().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** The service refused this login: the next one is new. Others may have noticed before, so it has to be the same. */
  discard(login: Login): void {
    if (this.#login === login) this.#login = undefined;
  }

  async #logIn(): Promise<Login> {
    const base = versioned(this.#account.authUrl ?? '');
    const body = { auth: { identity: identityFor(this.#account), ...scopeFor(this.#account) } };
    const answer = await this.#client.send({ method: 'POST', url: `${base}/auth/tokens`, body });
    const token = answer.headers['x-subject-token'];
    if (answer.status !== 201 && answer.status !== 200) {
      throw new ValidatorUnavailable(`this service's login at the identity service failed: ${answer.status}`);
    }
    if (typeof token !== 'string') throw new ValidatorUnavailable('the login was answered without a token');
    try {
      const info = tokenInfoOf(answer.text);
      const endpoint = versioned(endpointIn(info.catalog ?? [], this.#choice) ?? base);
      this.#login = { token, endpoint, endsAt: endOf(info) };
      return this.#login;
    } catch (error) {
      throw new ValidatorUnavailable(`the login was answered with something else: ${(error as Error).message}`, error);
    }
  }
}

/** What an account lacks, as the names of options; empty for one that can log in. */
export function missingIn(account: AccountOptions): string[] {
  const missing = account.authUrl === undefined ? ['auth_url'] : [];
  if (usesApplicationCredential(account)) {
    if (account.applicationCredentialId === undefined) missing.push('application_credential_id');
    if (account.applicationCredentialSecret === undefined) missing.push('application_credential_secret');
    return missing;
  }
  if (account.username === undefined && account.userId === undefined) missing.push('username');
  if (account.password === undefined) missing.push('password');
  return missing;
}

function usesApplicationCredential(account: AccountOptions): boolean {
  return account.authType === 'v3applicationcredential' || (!account.authType && !!account.applicationCredentialId);
}

function identityFor(account: AccountOptions): object {
  if (usesApplicationCredential(account)) {
    const { applicationCredentialId: id, applicationCredentialSecret: secret } = account;
    return { methods: ['application_credential'], application_credential: { id, secret } };
  }
  const domain = domainFor(account.userDomainId, account.userDomainName);
  const who = account.userId === undefined ? { name: account.username, domain } : { id: account.userId };
  return { methods: ['password'], password: { user: { ...who, password: account.password } } };
}

/** An application credential has its project already. */
function scopeFor(account: AccountOptions): object {
  if (usesApplicationCredential(account)) return {};
  if (account.projectId !== undefined) return { scope: { project: { id: account.projectId } } };
  if (account.projectName === undefined) return {};
  const domain = domainFor(account.projectDomainId, account.projectDomainName);
  return { scope: { project: { name: account.projectName, domain } } };
}

function domainFor(id: string | undefined, name: string | undefined): object {
  return id === undefined && name !== undefined ? { name } : { id: id ?? 'default' };
}

function endpointIn(catalog: readonly unknown[], choice: EndpointChoice): string | undefined {
  type Entry = { type?: unknown; endpoints?: Partial<Record<'interface' | 'url' | 'region' | 'region_id', unknown>>[] };
  for (const { type, endpoints } of catalog as readonly Entry[]) {
    if (type !== 'identity' || !Array.isArray(endpoints)) continue;
    const fitting = endpoints.find(
      (one) =>
        one.interface === choice.interface &&
        (choice.region === undefined || choice.region === one.region || choice.region === one.region_id),
    );
    if (typeof fitting?.url === 'string' && /^https?:\/\//.test(fitting.url)) return fitting.url;
  }
  return undefined;
}

function versioned(url: string): string {
  const base = url.replace(/\/+$/, '').replace(/\/v2\.0$/, '');
  return base.endsWith('/v3') ? base : `${base}/v3`;
}
