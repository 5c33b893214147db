/** SSH keys in OpenSSH's format. */
import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * Returns the MD5 fingerprint of a public key (`type base64 comment`, with the data of RFC 4253 §6.6) as hexadecimal pairs with colons;
 * undefined if the text is not a key.
 */
export function fingerprintOf(publicKey: string): string | undefined {
  const [type = '', encoded = ''] = publicKey.trim().split(/\s+/);
  const blob = Buffer.from(encoded, 'base64');
  const named = blob.length > type.length + 24 && blob.toString('latin1', 4, 4 + blob.readUInt32BE(0)) === type;
  const digest = createHash('md5').update(blob).digest('hex');
  return named ? digest.replaceAll(/..(?!$)/g, '$&:') : undefined;
}

/** Generates an RSA key pair. */
export async function generatedKey(): Promise<{ public_key: string; private_key: string }> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  // The modulus has its highest bit set, so it needs a leading zero byte to be positive (RFC 4251 §5).
  const parts = [Buffer.from('ssh-rsa'), Buffer.from(e, 'base64url'), Buffer.from([0, ...Buffer.from(n, 'base64url')])];
  const blob = Buffer.concat(parts.flatMap((part) => [Buffer.from([0, 0, part.length >> 8, part.length & 255]), part]));
  const private_key = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  return { public_key: `ssh-rsa ${blob.toString('base64')} Generated-by-Portico`, private_key };
}
