/** Certificates for tests, as files in a separate folder. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { temporaryFolder } from '../fixtures/keeper.js';

export interface CertificateFiles {
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
  readonly pem: { readonly cert: string; readonly key: string };
}

/** A self-signed certificate for localhost, valid for `days` from now; a negative number makes an expired one. */
export async function makePair(days = 365, name = 'localhost'): Promise<{ cert: string; key: string }> {
  const notAfterDate = new Date(Date.now() + days * 86_400_000);
  const notBeforeDate = new Date(Math.min(Date.now(), notAfterDate.getTime()) - 86_400_000);
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    notBeforeDate,
    notAfterDate,
  });
  return { cert, key };
}

export async function certificateFiles(days = 365, name = 'localhost'): Promise<CertificateFiles> {
  const folder = temporaryFolder();
  const pem = await makePair(days, name);
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(cert, pem.cert);
  writeFileSync(key, pem.key);
  chmodSync(key, 0o600);
  return { folder, cert, key, pem };
}

/** A certificate with its key, and that of the authority of this name that has issued it. */
export async function issuedPair(
  authority: Readonly<Record<string, string>>,
): Promise<{ cert: string; key: string; ca: string }> {
  const names = Object.entries(authority).map(([name, value]) => ({ name, value }));
  const made = await generate(names, { keyType: 'ec', algorithm: 'sha256', clientCertificate: { cn: 'localhost' } });
  return { cert: made.clientcert!, key: made.clientprivate!, ca: made.cert };
}
