/** Makes a pair of keys where there is none, and prints a token: `node token.js alice member`. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { importPKCS8, SignJWT } from 'jose';

const [user = 'alice', ...roles] = process.argv.slice(2);
if (!existsSync('private.pem')) {
  const encoding = {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  };
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', encoding);
  writeFileSync('private.pem', privateKey, { mode: 0o600 });
  writeFileSync('public.pem', publicKey);
}
const token = await new SignJWT({ roles })
  .setProtectedHeader({ alg: 'EdDSA' })
  .setIssuer('https://login.example')
  .setAudience('notes')
  .setSubject(user)
  .setExpirationTime('1h')
  .sign(await importPKCS8(readFileSync('private.pem', 'utf8'), 'EdDSA'));
console.log(token);
