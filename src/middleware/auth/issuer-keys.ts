/**
 * An issuer's keys, read over HTTP by `jose` and kept: on first use, again after `jwks_max_age_s`, and for a key that is not among
 * them, but not within `jwks_cooldown_s`. Here is what it leaves to us: where the keys are, how many bytes they may have, a pause
 * after a read that failed, and how long the old keys count on.
 */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { JwtOptions } from './auth-token-options.js';
import { ValidatorUnavailable } from './token-validator.js';

/** The most bytes of a document of the issuer. */
const DOCUMENT_BYTES = 1024 * 1024;

/** The key for a token; for `jwtVerify`. Throws {@link ValidatorUnavailable} when there are no keys to look in. */
export function issuerKeys(options: JwtOptions): JWTVerifyGetKey {
  const { jwksUri, issuer, jwksCooldownS, jwksMaxAgeS, jwksStaleS, jwksTimeoutMs } = options;
  let known: JWTVerifyGetKey | undefined;
  let readAt = 0;
  let failed: { readonly error: unknown; readonly at: number } | undefined;

  const read = async (_url: string, { signal }: { readonly signal: AbortSignal }): Promise<Response> => {
    if (failed !== undefined && Date.now() < failed.at + jwksCooldownS * 1000) throw failed.error;
    try {
      const keys = (await documentAt(
        jwksUri ?? (await discovered(issuer, signal)),
        signal,
      )) as unknown as JSONWebKeySet;
      known = createLocalJWKSet(keys);
      readAt = Date.now();
      failed = undefined;
      return Response.json(keys);
    } catch (error) {
      failed = { error, at: Date.now() };
      throw error;
    }
  };
  const keyFor = createRemoteJWKSet(new URL(jwksUri ?? 'openid:'), {
    cooldownDuration: jwksCooldownS * 1000,
    cacheMaxAge: jwksMaxAgeS * 1000,
    timeoutDuration: jwksTimeoutMs,
    [customFetch]: read,
  });

  return async (header, token) => {
    try {
      return await keyFor(header, token);
    } catch (error) {
      if (failed === undefined) throw error;
      if (known !== undefined && Date.now() < readAt + (jwksMaxAgeS + jwksStaleS) * 1000) return known(header, token);
      throw new ValidatorUnavailable(`keys: ${(failed.error as Error).message}`, failed.error);
    }
  };
}

/** Where the issuer's own document (OpenID Connect Discovery 1.0) says its keys are. */
async function discovered(issuer: string, signal: AbortSignal): Promise<string> {
  const document = await documentAt(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
  if (document.issuer !== issuer) throw new Error(`the document of ${issuer} is that of another issuer`);
  return String(document.jwks_uri);
}

async function documentAt(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { redirect: 'error', signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > DOCUMENT_BYTES) throw new Error(`${url} answered with more than ${DOCUMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}
