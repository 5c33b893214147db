// Creates a certificate for the work with TLS, for one run.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Returns the paths of a new certificate and its key, EC P-256 for all contestants. `remove()` deletes both. */
export async function makeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', curve: 'P-256' });
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  writeFileSync(cert, made.cert);
  writeFileSync(key, made.private, { mode: 0o600 });
  return { cert, key, remove: () => rmSync(folder, { recursive: true }) };
}
