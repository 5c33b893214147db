/**
 * The validator `keystone`: asks an OpenStack identity service, API version 3.
 */
import { X509Certificate } from 'node:crypto';
import { ConfigurationRefused, gatherRefusals } from '../../errors/index.js';
import { type AccountOptions, accountOptions } from './auth-token-options.js';
import { type IdentityAnswer, IdentityClient, tokenInfoOf } from './identity-client.js';
import { KeystoneSession, missingIn } from './keystone-session.js';
import {
  type RefusedToken,
  type TokenInfo,
  type TokenValidator,
  type ValidateOptions,
  type ValidatorSettings,
  ValidatorUnavailable,
} from './token-validator.js';

/** Each certificate of a PEM file (RFC 7468 §5), up to the next one where its end is missing. */
const CERTIFICATE =
  /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----(?:(?!-----BEGIN )[\s\S])*?(?:-----END \1CERTIFICATE-----|(?=-----BEGIN )|$)/g;

/** `GET /v3/auth/tokens` with the service's own token; logs in anew, once, when that is refused. */
export class KeystoneValidator implements TokenValidator {
  #client: IdentityClient | undefined;
  #session: KeystoneSession | undefined;
  #challenge = '';
  #wantsCatalog = false;

  /** Throws for an account that cannot log in. Nothing is sent before the first token. */
  start(settings: ValidatorSettings): void {
    const { options, config, log } = settings;
    const [account, ca] = gatherRefusals(
      () => accountOf(settings),
      () => authoritiesOf(settings),
    );
    if (options.insecure)
      log.warn('auth_token is insecure: a machine on the way to the identity service can read the tokens');
    const file = (path: string | undefined): Buffer | undefined =>
      path === undefined ? undefined : config.readFile(path);
    this.#client = new IdentityClient({
      timeoutMs: options.httpConnectTimeout * 1000,
      maxRetries: options.httpRequestMaxRetries,
      tls: {
        ca,
        cert: file(options.certfile),
        key: file(options.keyfile ?? options.certfile),
        rejectUnauthorized: !options.insecure,
      },
    });
    const choice = { interface: options.interface, region: options.regionName };
    this.#session = new KeystoneSession(account, this.#client, choice);
    this.#challenge = `Keystone uri="${options.wwwAuthenticateUri!.replace(/["\\]/g, encodeURIComponent)}"`;
    this.#wantsCatalog = options.includeServiceCatalog;
  }

  stop(): void {
    this.#client?.close();
  }

  challenge(): string {
    return this.#challenge;
  }

  async validate(token: string, options: ValidateOptions): Promise<TokenInfo | RefusedToken> {
    const first = await this.#ask(token, options);
    const answer = first.status === 401 ? await this.#ask(token, options) : first;
    if (answer.status === 404)
      return { refused: 'the identity service does not accept it: unknown, expired or revoked' };
    if (answer.status === 401) throw new ValidatorUnavailable('the identity service refuses this service');
    if (answer.status !== 200) throw new ValidatorUnavailable(`the identity service answered ${answer.status}`);
    try {
      const info = tokenInfoOf(answer.text);
      if (info.userId === undefined) throw new TypeError('it is a token without a user');
      return info;
    } catch (error) {
      throw new ValidatorUnavailable(
        `the identity service answered something else: ${(error as Error).message}`,
        error,
      );
    }
  }

  async #ask(token: string, { allowExpired }: ValidateOptions): Promise<IdentityAnswer> {
    const session = this.#session!;
    const login = await session.login();
    const query = [...(this.#wantsCatalog ? [] : ['nocatalog']), ...(allowExpired ? ['allow_expired=1'] : [])].join(
      '&',
    );
    const answer = await this.#client!.send({
      method: 'GET',
      url: `${login.endpoint}/auth/tokens${query === '' ? '' : `?${query}`}`,
      // The last one says that access rules are understood here: else such tokens are not given out.
      headers: { 'x-auth-token': login.token, 'x-subject-token': token, 'openstack-identity-access-rules': '1' },
    });
    if (answer.status === 401) session.discard(login);
    return answer;
  }
}

function accountOf({ options, config, origin }: ValidatorSettings): AccountOptions {
  const account =
    options.authSection === undefined ? options : config.group(options.authSection, accountOptions, { partial: true });
  const missing = [
    ...(options.wwwAuthenticateUri === undefined ? ['www_authenticate_uri'] : []),
    ...missingIn(account),
  ];
  if (missing.length === 0) return account;
  throw new ConfigurationRefused('PORTICO_AUTH_TOKEN_ACCOUNT', {
    message: `the validator keystone needs ${missing.join(', ')}`,
    hint: `Write them in [auth_token] of the service configuration${options.authSection === undefined ? '' : `, those of the account in [${options.authSection}]`}.`,
    origin,
  });
}

/** The bytes of cafile. TLS passes over what is no certificate, and then trusts no server. */
function authoritiesOf({ options: { cafile }, config, originOf }: ValidatorSettings): Buffer | undefined {
  if (cafile === undefined) return undefined;
  const bytes = config.readFile(cafile);
  try {
    const certificates = bytes.toString('latin1').match(CERTIFICATE) ?? [''];
    for (const certificate of certificates) new X509Certificate(certificate);
    return bytes;
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_AUTH_TOKEN_CAFILE', {
      message: `cafile holds no certificate, or one that cannot be read: ${cafile}`,
      hint: 'It should hold certificates in PEM form.',
      origin: originOf('cafile'),
      cause,
    });
  }
}
