// Creates a JSON Web Token for one run, and the key that verifies it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';

/** Returns a token signed with Ed25519, valid for an hour. `remove()` deletes the key. */
export async function makeToken({ issuer, audience, user }) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
  const keyFile = join(folder, 'key.pem');
  writeFileSync(keyFile, await exportSPKI(publicKey));
  const claims = new SignJWT().setIssuer(issuer).setAudience(audience).setSubject(user);
  const token = await claims
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  return { token, keyFile, remove: () => rmSync(folder, { recursive: true }) };
}
