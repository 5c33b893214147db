/** The memcached keys and encryption of keystonemiddleware, byte for byte, so that Python services can share the cache. */
import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `mac` signs the cached values, `encrypt` encrypts and signs them. */
export type Protection = 'none' | 'mac' | 'encrypt';

/** The memcached key of a token, with the functions that encode and decode its value. */
export interface Envelope {
  readonly key: string;
  seal(text: string): Buffer;
  /** Throws if the value was modified, or sealed with another secret. */
  open(value: Buffer): string;
}

const HASH = 'sha384';
const PART = 16;
const MAC_LENGTH = 64;
const CIPHER = 'aes-128-cbc';

/** Returns the envelope of a token. The protection `none` ignores `secret`. */
export function envelopeFor(token: string, protection: Protection, secret: string): Envelope {
  if (protection === 'none') {
    return {
      key: `tokens/${hash('sha256', token)}`,
      seal: (text) => Buffer.from(text),
      open: (value) => value.toString(),
    };
  }
  // Three 128-bit keys from one digest, for the name, the signature and the cipher (NIST SP 800-108).
  const digest = createHmac(HASH, secret).update(`${token}${protection.toUpperCase()}`).digest();
  const [name, mac, cipher] = [0, 1, 2].map((at) => digest.subarray(at * PART, (at + 1) * PART)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const sign = (encoded: Buffer): Buffer => Buffer.from(createHmac(HASH, mac).update(encoded).digest('base64'));
  return {
    // Python 3 formats bytes as b'…', so the quotes are part of the key.
    key: `tokens/b'${name.toString('base64')}'`,
    seal: (text) => {
      const data = protection === 'encrypt' ? encrypted(cipher, Buffer.from(text)) : Buffer.from(text);
      const encoded = Buffer.from(data.toString('base64'));
      return Buffer.concat([sign(encoded), encoded]);
    },
    open: (value) => {
      const [signature, encoded] = [value.subarray(0, MAC_LENGTH), value.subarray(MAC_LENGTH)];
      if (signature.length !== MAC_LENGTH || !timingSafeEqual(signature, sign(encoded))) {
        throw new Error('it is not signed with memcache_secret_key');
      }
      const data = Buffer.from(encoded.toString('latin1'), 'base64');
      return (protection === 'encrypt' ? decrypted(cipher, data) : data).toString();
    },
  };
}

function encrypted(key: Buffer, data: Buffer): Buffer {
  const start = randomBytes(PART);
  const cipher = createCipheriv(CIPHER, key, start);
  return Buffer.concat([start, cipher.update(data), cipher.final()]);
}

function decrypted(key: Buffer, data: Buffer): Buffer {
  const decipher = createDecipheriv(CIPHER, key, data.subarray(0, PART));
  return Buffer.concat([decipher.update(data.subarray(PART)), decipher.final()]);
}
