/**
 * The validator `keystone`: validates tokens with an OpenStack identity service (Identity API v3), logged in with the account of this
 * service.
 */
import { X509Certificate } from 'node:crypto';
import { ConfigurationRefused, gatherRefusals } from '../../errors/index.js';
import { type AccountOptions, type AuthTokenOptions, accountOptions } from './auth-token-options.js';
import { type IdentityAnswer, IdentityClient, tokenInfoOf } from './identity-client.js';
import { isKeystoneToken } from './token-spelling.js';
import {
  endOf,
  type RefusedToken,
  type TokenInfo,
  type TokenValidator,
  type ValidateOptions,
  type ValidatorSettings,
  ValidatorUnavailable,
} from './token-validator.js';

/** Matches each certificate in a PEM file (RFC 7468 §5). Without an END line, the match ends at the next BEGIN line. */
const CERTIFICATE =
  /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----(?:(?!-----BEGIN )[\s\S])*?(?:-----END \1CERTIFICATE-----|(?=-----BEGIN )|$)/g;

/** Sends `GET /v3/auth/tokens` with the token of this service. Logs in again, once, if the response has status 401. */
export class KeystoneValidator implements TokenValidator {
  #client: IdentityClient | undefined;
  #session: KeystoneSession | undefined;
  #challenge = '';
  #wantsCatalog = false;

  /** Throws if the account cannot log in. Sends no request before the first token. */
  async start(settings: ValidatorSettings): Promise<void> {
    const { options, config, log } = settings;
    const [account, ca] = gatherRefusals(
      () => accountOf(settings),
      () => authoritiesOf(settings),
    );
    if (options.insecure) log.warn('auth_token has insecure = true: a man in the middle can read the tokens');
    const file = (path: string | undefined): Buffer | undefined =>
      path === undefined ? undefined : config.readFile(path);
    const { certfile: cert, keyfile: key = cert } = options;
    this.#client = new IdentityClient(options, { ca, cert: file(cert), key: file(key) });
    this.#session = new KeystoneSession(account, this.#client, options);
    if (options.wwwAuthenticateUri === undefined) {
      log.warn('www_authenticate_uri is not set: callers receive auth_url, which they may not be able to reach');
    }
    const told = options.wwwAuthenticateUri ?? account.authUrl!;
    this.#challenge = `Keystone uri="${told.replace(/["\\]/g, encodeURIComponent)}"`;
    this.#wantsCatalog = options.includeServiceCatalog;
  }

  stop(): void {
    this.#client?.close();
  }

  challenge(): string {
    return this.#challenge;
  }

  async validate(token: string, options: ValidateOptions): Promise<TokenInfo | RefusedToken> {
    if (!isKeystoneToken(token)) return { refused: 'malformed: not a token of Keystone' };
    const first = await this.#ask(token, options);
    const answer = first.status === 401 ? await this.#ask(token, options) : first;
    if (answer.status === 404)
      return { refused: 'the identity service does not accept it: unknown, expired or revoked' };
    if (answer.status === 401)
      throw new ValidatorUnavailable(`${answer.from}: responds with 401 to the login of this service`);
    if (answer.status !== 200) throw new ValidatorUnavailable(`${answer.from}: responds with ${answer.status}`);
    try {
      const info = tokenInfoOf(answer.text);
      if (info.userId === undefined) throw new TypeError('it is a token without a user');
      return info;
    } catch (error) {
      throw new ValidatorUnavailable(`${answer.from}: unexpected response: ${(error as Error).message}`, error);
    }
  }

  async #ask(token: string, { allowExpired }: ValidateOptions): Promise<IdentityAnswer> {
    const session = this.#session!;
    const login = await session.login();
    const query = [...(this.#wantsCatalog ? [] : ['nocatalog']), ...(allowExpired ? ['allow_expired=1'] : [])].join(
      '&',
    );
    const ask = ({ endpoint, token: own }: Login): Promise<IdentityAnswer> =>
      this.#client!.send({
        method: 'GET',
        url: `${endpoint}/auth/tokens${query === '' ? '' : `?${query}`}`,
        // Without the last header, Keystone does not return tokens that have access rules.
        headers: { 'x-auth-token': own, 'x-subject-token': token, 'openstack-identity-access-rules': '1' },
      });
    let answer: IdentityAnswer;
    try {
      answer = await ask(login);
    } catch (error) {
      // The endpoint may have changed in the catalog. A new login only helps if the endpoint is not auth_url itself.
      if (login.endpoint === session.base) throw error;
      session.discard(login);
      const anew = await session.login();
      if (anew.endpoint === login.endpoint) throw error;
      answer = await ask(anew);
    }
    if (answer.status === 401) session.discard(login);
    return answer;
  }
}

function accountOf({ options, config, origin }: ValidatorSettings): AccountOptions {
  const { authSection } = options;
  const account =
    options.authSection === undefined ? options : config.group(options.authSection, accountOptions, { partial: true });
  const missing = missingIn(account);
  const scopes = scopesIn(account);
  if (missing.length === 0 && scopes.length <= 1) return account;
  // Names the section with the account, not each filter that uses it.
  const groups = [authSection, 'keystone_authtoken', 'auth_token'].filter((name) => name !== undefined);
  const section = groups.find((name) => config.getSectionLocation(name) !== undefined);
  throw new ConfigurationRefused('PORTICO_AUTH_TOKEN_ACCOUNT', {
    message:
      missing.length > 0
        ? `the validator keystone needs ${missing.join(', ')}`
        : `the account has ${scopes.length} scopes: ${scopes.join(', ')}`,
    hint:
      missing.length > 0
        ? `Write them in [${section ?? 'auth_token'}] of portico.ini${authSection === undefined ? '' : `, those of the account in [${authSection}]`}.`
        : 'Keep one of them: a login has one scope.',
    origin: (section === undefined ? undefined : config.getSectionLocation(section)?.origin) ?? origin,
  });
}

/** Returns the content of cafile. Checks it, because TLS ignores invalid certificates and then trusts no server. */
function authoritiesOf({ options: { cafile }, config, originOf }: ValidatorSettings): Buffer | undefined {
  if (cafile === undefined) return undefined;
  const bytes = config.readFile(cafile);
  try {
    const certificates = bytes.toString('latin1').match(CERTIFICATE) ?? [''];
    for (const certificate of certificates) new X509Certificate(certificate);
    return bytes;
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_AUTH_TOKEN_CAFILE', {
      message: `cafile contains no readable certificate: ${cafile}`,
      hint: 'It must contain certificates in PEM format.',
      origin: originOf('cafile'),
      cause,
    });
  }
}

/** A successful login. */
interface Login {
  readonly token: string;
  /** The base URL for token validation. It ends in `/v3`. */
  readonly endpoint: string;
  readonly endsAt: number;
}

/** How long before the login expires it is renewed, in milliseconds. The margin allows for clock differences. */
const MARGIN_MS = 30_000;

/** Keeps a login to the identity service. Concurrent callers share one login request. */
class KeystoneSession {
  readonly #account: AccountOptions;
  readonly #client: IdentityClient;
  readonly #options: AuthTokenOptions;
  #login: Login | undefined;
  #pending: Promise<Login> | undefined;

  constructor(account: AccountOptions, client: IdentityClient, options: AuthTokenOptions) {
    this.#account = account;
    this.#client = client;
    this.#options = options;
  }

  /** The base URL for logins. It ends in `/v3`. */
  get base(): string {
    return versioned(this.#account.authUrl ?? '');
  }

  /** Returns the current login, or logs in. Throws {@link ValidatorUnavailable} if the login fails. */
  async login(): Promise<Login> {
    if (this.#login !== undefined && this.#login.endsAt - MARGIN_MS > Date.now()) return this.#login;
    this.#pending ??= this.#logIn().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Discards a login that the identity service refused. Does nothing if another request has already replaced it. */
  discard(login: Login): void {
    if (this.#login === login) this.#login = undefined;
  }

  async #logIn(): Promise<Login> {
    const { base } = this;
    const body = { auth: { identity: identityFor(this.#account), ...scopeFor(this.#account) } };
    const answer = await this.#client.send({ method: 'POST', url: `${base}/auth/tokens`, body });
    const token = answer.headers['x-subject-token'];
    if (answer.status !== 201 && answer.status !== 200) {
      const refusal = [401, 403].includes(answer.status) ? 'refuses the login of this service: ' : 'responds with ';
      throw new ValidatorUnavailable(`${answer.from}: ${refusal}${answer.status}`);
    }
    if (typeof token !== 'string')
      throw new ValidatorUnavailable(`${answer.from}: the response to the login has no token`);
    try {
      const info = tokenInfoOf(answer.text);
      const endpoint = versioned(endpointIn(info.catalog ?? [], this.#options) ?? base);
      this.#login = { token, endpoint, endsAt: endOf(info) };
      return this.#login;
    } catch (error) {
      throw new ValidatorUnavailable(
        `${answer.from}: unexpected response to the login: ${(error as Error).message}`,
        error,
      );
    }
  }
}

/** Returns the endpoint of the identity service that the options select. */
function endpointIn(catalog: readonly unknown[], options: AuthTokenOptions): string | undefined {
  const { interface: kind, regionName: region } = options;
  type Entry = { type?: unknown; endpoints?: Partial<Record<'interface' | 'url' | 'region' | 'region_id', unknown>>[] };
  for (const { type, endpoints } of catalog as readonly Entry[]) {
    if (type !== 'identity' || !Array.isArray(endpoints)) continue;
    const fitting = endpoints.find(
      (one) =>
        one.interface === kind.replace(/URL$/, '') &&
        (region === undefined || region === one.region || region === one.region_id),
    );
    if (typeof fitting?.url === 'string' && /^https?:\/\//.test(fitting.url)) return fitting.url;
  }
  return undefined;
}

function versioned(url: string): string {
  const base = url.replace(/\/+$/, '').replace(/\/v2\.0$/, '');
  return base.endsWith('/v3') ? base : `${base}/v3`;
}

// The account with which a service logs in to an OpenStack identity service: its missing options and its login request.

/** Returns the names of the missing options of an account; empty if it can log in. */
function missingIn(account: AccountOptions): string[] {
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
function scopesIn(account: AccountOptions): string[] {
  if (usesApplicationCredential(account)) return [];
  const { projectId, projectName, domainId, domainName, systemScope } = account;
  return [
    ...(projectId !== undefined || projectName !== undefined ? ['project_name'] : []),
    ...(domainId !== undefined || domainName !== undefined ? ['domain_name'] : []),
    ...(systemScope !== undefined ? ['system_scope'] : []),
  ];
}

function usesApplicationCredential(account: AccountOptions): boolean {
  const { authType, applicationCredentialId: id, applicationCredentialName: name } = account;
  return authType === 'v3applicationcredential' || (!authType && (id !== undefined || name !== undefined));
}

/** Returns the credentials of an account for the identity service (Identity API v3, `auth.identity`). */
function identityFor(account: AccountOptions): object {
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
  return { name: account.username, domain: domainFor(account.userDomainId, account.userDomainName) };
}

/** Returns the `scope` member of the login request. An application credential has none, because its project is fixed. */
function scopeFor(account: AccountOptions): object {
  if (usesApplicationCredential(account)) return {};
  if (account.projectId !== undefined) return { scope: { project: { id: account.projectId } } };
  if (account.projectName !== undefined) {
    const domain = domainFor(account.projectDomainId, account.projectDomainName);
    return { scope: { project: { name: account.projectName, domain } } };
  }
  const { domainId, domainName } = account;
  if (domainId !== undefined || domainName !== undefined) {
    return { scope: { domain: domainId === undefined ? { name: domainName } : { id: domainId } } };
  }
  return account.systemScope === undefined ? {} : { scope: { system: { all: true } } };
}

/** Returns the domain with this id or name, or Keystone's first one. */
function domainFor(id: string | undefined, name: string | undefined): object {
  return id === undefined && name !== undefined ? { name } : { id: id ?? 'default' };
}
