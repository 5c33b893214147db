// A JSON Web Token for one run, and the key that checks it.
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Signed with Ed25519, good for an hour; `remove()` deletes the key. */
export function makeToken({ issuer, audience, user }) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
  const keyFile = join(folder, 'key.pem');
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: audience, sub: user, iat: now, exp: now + 3600 };
  const text = [{ alg: 'EdDSA', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign(null, Buffer.from(text), privateKey).toString('base64url');
  return { token: `${text}.${signature}`, keyFile, remove: () => rmSync(folder, { recursive: true }) };
}
