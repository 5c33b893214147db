/**
 * Development certificate of an API that is served over TLS without certificate files.
 */
import { constants as cryptoConstants, randomUUID, X509Certificate } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { ignoreErrors } from '../../errors/index.js';

/** Creates a key with a certificate for localhost, 127.0.0.1, ::1 and a host, which no other machine trusts, as PEM. */
async function made(host: string): Promise<string> {
  // Loaded on demand: only development needs it, and it takes longer than the rest of the start.
  const { generate } = await import('selfsigned');
  const names = [...new Set(['localhost', '127.0.0.1', '::1', host])];
  const altNames = names.map((name) =>
    isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name },
  );
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames }],
  });
  return `${pair.private}\n${pair.cert}`;
}

/**
 * Returns a certificate for the listening host, kept in a file of `folder` so that a browser has to accept it only
 * once; replaced on its last day.
 */
export async function keptCertificate(folder: string, host: string): Promise<TlsOptions> {
  const file = join(folder, `development-${host.replace(/[^\w.-]/g, '_')}.pem`);
  const pem = kept(file) ?? keep(file, await made(host));
  return {
    cert: pem,
    key: pem,
    minVersion: 'TLSv1.2',
    secureOptions: cryptoConstants.SSL_OP_NO_RENEGOTIATION,
  };
}

const DAY_MS = 86_400_000;

/** Returns undefined if it is missing, broken, expires within a day, or another user owns it or may write to it. */
function kept(file: string): string | undefined {
  return ignoreErrors(() => {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { uid, mode } = fstatSync(descriptor);
      // Windows has neither.
      if (process.geteuid !== undefined && (uid !== process.geteuid() || (mode & 0o022) !== 0)) return undefined;
      const pem = readFileSync(descriptor, 'utf8');
      return Date.parse(new X509Certificate(pem).validTo) > Date.now() + DAY_MS ? pem : undefined;
    } finally {
      closeSync(descriptor);
    }
  });
}

/** If several APIs start at once, all use the first one's certificate. If another user owns the file, none is kept. */
function keep(file: string, pem: string): string {
  const own = `${file}.${randomUUID()}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(own, pem, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(own, file);
    return pem;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = kept(file);
    if (other === undefined) ignoreErrors(() => renameSync(own, file));
    return other ?? pem;
  } finally {
    rmSync(own, { force: true });
  }
}
