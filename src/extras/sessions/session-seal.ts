/** Encrypts what a cookie holds: a JWT (RFC 7519) with `dir` and `A256GCM`, by the package jose. */
import { createHash, hkdfSync } from 'node:crypto';
import { EncryptJWT, type JWTPayload, jwtDecrypt } from 'jose';

/** Content of a cookie. */
export interface Sealed {
  /** When the session began, in seconds. */
  readonly begun: number;
  /** When the cookie expires, in seconds. */
  readonly exp: number;
  /** The data, or the id of the data in a store. */
  readonly held: unknown;
}

interface SealKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Seals with the first secret and opens with every one. */
export class SessionSeal {
  readonly #keys: readonly SealKey[];

  /** `owner`: names of the API and the filter. They are part of the keys, so that no other filter with the same secret opens a cookie. */
  constructor(secrets: readonly string[], owner: readonly (string | undefined)[]) {
    // As the salt, which may have any length (RFC 5869 §2.2).
    const salt = JSON.stringify(owner);
    this.#keys = secrets.map((secret) => {
      const bytes = new Uint8Array(hkdfSync('sha256', secret, salt, 'portico session', 32));
      return { id: createHash('sha256').update(bytes).digest('base64url').slice(0, 8), bytes };
    });
  }

  seal({ begun, exp, held }: Sealed): Promise<string> {
    const { id, bytes } = this.#keys[0]!;
    return new EncryptJWT({ begun, held } as JWTPayload)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: id })
      .setExpirationTime(exp)
      .encrypt(bytes);
  }

  /** Returns undefined for a text that no key has sealed, and for an expired one. */
  async open(text: string): Promise<Sealed | undefined> {
    // A decoder ignores other characters and unused bits: one session would have many cookies.
    if (text.split('.').some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part)) return undefined;
    try {
      const { payload } = await jwtDecrypt(
        text,
        ({ kid }) => {
          const key = this.#keys.find(({ id }) => id === kid);
          if (key === undefined) throw new Error('no such key');
          return key.bytes;
        },
        { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'], currentDate: new Date() },
      );
      const { begun, exp, held } = payload;
      return typeof begun === 'number' && exp !== undefined ? { begun, exp, held } : undefined;
    } catch {
      return undefined;
    }
  }
}
