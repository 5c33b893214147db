/** The validator `jwt` for tokens that the API signs itself with a secret. It opens no connections and loads no packages. */
import type { JwtOptions } from './auth-token-options.js';
import { refusedClaims, verifiedBy } from './hmac-token.js';
import { ClaimsJudge } from './jwt-claims.js';
import type { JwtSecret } from './jwt-secret.js';
import type { RefusedToken, TokenInfo, TokenValidator, ValidateOptions, ValidatorSettings } from './token-validator.js';

/** Refuses tokens without `exp`, and tokens with a `crit` header. */
export class SecretValidator implements TokenValidator {
  readonly #options: JwtOptions;
  readonly #secret: JwtSecret;
  readonly #judge: ClaimsJudge;

  constructor(options: JwtOptions, secret: JwtSecret) {
    this.#options = options;
    this.#secret = secret;
    this.#judge = new ClaimsJudge(options);
  }

  start(settings: ValidatorSettings): Promise<void> {
    return this.#judge.start(settings);
  }

  challenge(): string {
    return this.#judge.challenge;
  }

  async validate(token: string, { allowExpired }: ValidateOptions): Promise<TokenInfo | RefusedToken> {
    const { key, algorithms } = this.#secret;
    const verified = verifiedBy(key, token, { algorithms, typ: this.#options.typ });
    if ('refused' in verified) return verified;
    const refused = refusedClaims(verified.payload, this.#options, Date.now() / 1000);
    // `exp` is checked last, so the rest of an expired token is valid.
    if (refused !== undefined && !(allowExpired && refused === 'expired')) return { refused };
    return this.#judge.judge(verified.payload);
  }
}
