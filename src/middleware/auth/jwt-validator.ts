/** The validator `jwt`: JSON Web Tokens (RFC 7519), with the caller's identity in their claims. */
import { dirname } from 'node:path';
import { Fault } from '../../app/index.js';
import { importModuleExport } from '../../service/internal.js';
import type { JwtOptions } from './auth-token-options.js';
import type { Claims } from './hmac-token.js';
import {
  isRefused,
  type RefusedToken,
  type TokenInfo,
  type TokenValidator,
  type ValidateOptions,
  type ValidatorSettings,
} from './token-validator.js';

/** Reports whether the token with this `jti` is revoked. Called for every token; the `jti` is undefined if the token has none. */
type IsRevoked = (jti: string | undefined) => boolean | Promise<boolean>;

/** Verifies the signature of a token, then its issuer, audience and times. With `allowExpired`, `exp` may have passed. */
export type Verify = (token: string, allowExpired: boolean) => Promise<{ readonly payload: Claims } | RefusedToken>;

/** Refuses tokens without `exp`, and tokens with a `crit` header that is not understood. */
export class JwtValidator implements TokenValidator {
  readonly #options: JwtOptions;
  readonly #verify: Verify;
  #isRevoked: IsRevoked = () => false;

  constructor(options: JwtOptions, verify: Verify) {
    this.#options = options;
    this.#verify = verify;
  }

  async start({ origin }: ValidatorSettings): Promise<void> {
    const { isRevoked } = this.#options;
    if (isRevoked === undefined) return;
    this.#isRevoked = (await importModuleExport(isRevoked, { folder: dirname(origin.file) })) as IsRevoked;
  }

  /** Returns the `WWW-Authenticate` value for a caller without a token (RFC 9110 §11.6.1). */
  challenge(): string {
    const { scheme, audience = 'api' } = this.#options;
    return `${scheme} realm="${quotable(audience)}"`;
  }

  async validate(token: string, { allowExpired }: ValidateOptions): Promise<TokenInfo | RefusedToken> {
    const verified = await this.#verify(token, allowExpired);
    if ('refused' in verified) return verified;
    const { payload } = verified;
    const { iat, jti } = payload;
    if (iat !== undefined && !(Number(iat) <= Date.now() / 1000 + this.#options.clockSkewS)) {
      return { refused: 'it was issued in the future (iat)' };
    }
    if (await this.#isRevoked(typeof jti === 'string' ? jti : undefined)) return { refused: 'revoked' };
    const info = identityIn(payload, this.#options);
    if (!isRefused(info)) this.#requireScope(payload);
    return info;
  }

  #requireScope({ scope }: Claims): void {
    const { requiredScope: wanted } = this.#options;
    if (wanted === undefined || (typeof scope === 'string' && scope.split(' ').includes(wanted))) return;
    const about = `error="insufficient_scope", scope="${quotable(wanted)}"`;
    throw new Fault(403, {
      message: `The token does not have the scope ${wanted}.`,
      headers: { 'www-authenticate': `${this.challenge()}, ${about}` },
    });
  }
}

/** Returns the identity in the claims, or a refusal if a claim has the wrong type. */
function identityIn(payload: Claims, { claims, clockSkewS }: JwtOptions): TokenInfo | RefusedToken {
  const at = (field: string): unknown => claimAt(payload, claims.get(field));
  const word = (field: string): string | undefined => {
    const value = at(field);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const userId = word('user_id');
  const roles = at('roles') ?? [];
  if (userId === undefined) return { refused: `it names no user (${claims.get('user_id')})` };
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
    return { refused: `its roles are not a list of names (${claims.get('roles')})` };
  }
  return {
    userId,
    userName: word('user_name'),
    projectId: word('project_id'),
    projectName: word('project_name'),
    roles,
    expiresAt: new Date((Number(payload.exp) + clockSkewS) * 1000),
    bind: binding(payload.cnf),
    claims: payload,
  };
}

/** Returns a claim, or a member of one, such as `realm_access.roles`. A claim whose name contains the dots takes precedence. */
function claimAt(payload: Claims, path: string | undefined): unknown {
  if (path === undefined || Object.hasOwn(payload, path)) return path === undefined ? undefined : payload[path];
  return path.split('.').reduce<unknown>((value, name) => {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    return isObject ? (value as Record<string, unknown>)[name] : undefined;
  }, payload);
}

/** Returns the `cnf` claim with `x5t#S256`, the thumbprint of the bearer's certificate (RFC 8705 §3.1), as `x509`. */
function binding(confirmation: unknown): Record<string, unknown> | undefined {
  if (typeof confirmation !== 'object' || confirmation === null) return undefined;
  return Object.fromEntries(
    Object.entries(confirmation).map(([kind, value]) => [kind === 'x5t#S256' ? 'x509' : kind, value]),
  );
}

function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, '');
}
