/**
 * The certificate of an API that is served over TLS in development and names no files.
 */
import { X509Certificate } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { ignoreErrors } from '../../errors/index.js';
import { DEVELOPMENT_TLS, developmentCertificate } from './tls.js';

/** One for the host that is listened on, in a file of `folder`, so that a browser has to accept it once; made anew on its last day. */
export async function keptCertificate(folder: string, host: string): Promise<TlsOptions> {
  const file = join(folder, `development-${host.replace(/[^\w.-]/g, '_')}.pem`);
  const pem = kept(file) ?? keep(file, await made(host));
  return { cert: pem, key: pem, ...DEVELOPMENT_TLS };
}

/** Key and certificate. */
async function made(host: string): Promise<string> {
  const { key, cert } = await developmentCertificate(host);
  return `${key as string}\n${cert as string}`;
}

const DAY_MS = 86_400_000;

/** Undefined for one that is not there, is broken or ends within a day. */
function kept(file: string): string | undefined {
  return ignoreErrors(() => {
    const pem = readFileSync(file, 'utf8');
    return Date.parse(new X509Certificate(pem).validTo) > Date.now() + DAY_MS ? pem : undefined;
  });
}

/** Of several APIs that start at once the first one's is taken by all. */
function keep(file: string, pem: string): string {
  const own = `${file}.${process.pid}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(own, pem, { mode: 0o600 });
  try {
    linkSync(own, file);
    return pem;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = kept(file);
    if (other === undefined) writeFileSync(file, pem, { mode: 0o600 });
    return other ?? pem;
  } finally {
    rmSync(own);
  }
}
