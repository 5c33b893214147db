/** The secret in `[jwt]`, which verifies and signs tokens. */
import { isUtf8 } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Origin } from '../../errors/index.js';
import type { JwtOptions } from './auth-token-options.js';
import { fewestBytes, HMAC_ALGORITHMS, hmacKey } from './hmac-token.js';

/** A secret and the algorithms that it is used with. */
export interface JwtSecret {
  readonly key: KeyObject;
  readonly algorithms: readonly string[];
}

/**
 * Returns the secret in the options, or undefined if they have none. Throws `PORTICO_JWT_SECRET` if the secret is too short or cannot be
 * read, or if other options conflict with it. No error message contains any part of the secret. `originOf`: returns the location of an option.
 */
export function secretOf(
  options: JwtOptions,
  config: Config,
  originOf?: (option: string) => Origin,
): JwtSecret | undefined {
  const { secret, secretFile } = options;
  const named = secret !== undefined ? 'secret' : secretFile !== undefined ? 'secret_file' : 'algorithms';
  const refuse = (message: string, hint: string, cause?: unknown): never => {
    const place = originOf?.(named);
    // The line of the file has the secret.
    const origin = place !== undefined && named === 'secret' ? { ...place, text: undefined } : place;
    throw new ConfigurationRefused('PORTICO_JWT_SECRET', { message, hint, origin, cause });
  };
  const isHmac = (algorithm: string): boolean => Object.hasOwn(HMAC_ALGORITHMS, algorithm);
  if (secret === undefined && secretFile === undefined) {
    const hmac = options.algorithms.filter(isHmac);
    if (hmac.length > 0) refuse(`${hmac.join(', ')} requires a secret`, 'Write secret_file or secret.');
    return undefined;
  }
  if (secret !== undefined && secretFile !== undefined) {
    refuse('both secret and secret_file are set', 'Remove one of them.');
  }
  const keys = options.jwksUri !== undefined || options.publicKeyFile !== undefined;
  const others = options.algorithms.filter((algorithm) => !isHmac(algorithm));
  if (keys || others.length > 0) {
    // If a public key were accepted as the secret, anyone could sign tokens (RFC 8725 §2.1).
    refuse(
      `a secret can only be used with HS256, HS384 and HS512, not with ${keys ? 'public keys' : others.join(', ')}`,
      'Remove either the secret, or the public keys and their algorithms.',
    );
  }
  const algorithms = options.algorithms.length === 0 ? ['HS256'] : options.algorithms;
  const key = hmacKey(secret ?? read(), algorithms);
  if (key !== undefined) return { key, algorithms };
  return refuse(
    `the secret for ${algorithms.join(', ')} is shorter than ${fewestBytes(algorithms)} bytes (RFC 7518 §3.2)`,
    'Generate one with openssl rand -base64 48.',
  );

  function read(): string | Uint8Array {
    try {
      const bytes = config.readFile(secretFile!);
      // Random bytes are no text: decoding maps different files to one secret.
      return isUtf8(bytes) ? bytes.toString().trim() : bytes;
    } catch (cause) {
      return refuse(
        `the secret cannot be read from ${resolve(secretFile!)}: ${(cause as Error).message}`,
        'Use a readable file. A relative path begins at the working directory.',
      );
    }
  }
}
