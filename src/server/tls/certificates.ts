/**
 * Certificates and keys as files: whether they can be read, belong together, and are still valid.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigurationRefused, type ErrorDetails, type Origin } from '../../errors/index.js';
import { missingHint } from './ssl-options.js';

/** Reads a whole file; throws as `readFileSync` does. */
export type ReadTlsFile = (path: string) => Buffer;

/** Reads from disk. A worker hands in what its parent accepted instead. */
export const readFromDisk: ReadTlsFile = (path) => readFileSync(path);

/** Parts of a {@link TlsRefused}. */
export interface TlsRefusal extends ErrorDetails {
  /** The option of `[ssl]` that is at fault, where it is one. */
  readonly option?: string | undefined;
  /** The path of a file that is not there. */
  readonly missing?: string | undefined;
}

/** TLS settings that were refused: code `PORTICO_TLS_CONFIG`, status 78 when it happens before the start. */
export class TlsRefused extends ConfigurationRefused {
  readonly option: string | undefined;
  readonly #missing: string | undefined;

  constructor(details: TlsRefusal) {
    super('PORTICO_TLS_CONFIG', details);
    this.option = details.option;
    this.#missing = details.missing;
  }

  /** The same with the place where the option was set. */
  at({ origin, detail }: { readonly origin?: Origin | undefined; readonly detail: string }): TlsRefused {
    const { sentence, option, cause } = this;
    const hint = this.#missing === undefined ? this.hint : missingHint(this.#missing, origin?.file);
    const message = origin === undefined && detail !== '' ? `${detail}: ${sentence}` : sentence;
    return new TlsRefused({ message, option, hint, cause, origin });
  }
}

/** The bytes of the file that an option names; refused when it is missing or not ours to read. */
export function readPem(option: string, path: string, readFile: ReadTlsFile): Buffer {
  try {
    return readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const message = `Unable to find ${option} : ${path}`;
      throw new TlsRefused({ option, message, hint: missingHint(path), missing: path, cause: error });
    }
    const hint = `System error: ${(error as Error).message}.`;
    throw new TlsRefused({ option, message: `Unable to read ${option} : ${path}`, hint, cause: error });
  }
}

/** Reads a certificate and its key; refused when either is not what its option says, or they do not match. */
export function readKeyPair(certFile: string, keyFile: string, readFile: ReadTlsFile): { cert: Buffer; key: Buffer } {
  const cert = readPem('cert_file', certFile, readFile);
  const key = readPem('key_file', keyFile, readFile);
  const certificate = parseCertificate('cert_file', certFile, cert);
  let privateKey: ReturnType<typeof createPrivateKey>;
  try {
    privateKey = createPrivateKey(key);
  } catch (error) {
    throw new TlsRefused({
      option: 'key_file',
      message: `key_file contains no usable private key: ${keyFile}`,
      hint: 'It must be in PEM format and have no passphrase.',
      cause: error,
    });
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TlsRefused({
      option: 'key_file',
      message: `The key_file ${keyFile} does not belong to the cert_file ${certFile}`,
      hint: "Use the key of the certificate. The server's certificate must be the first in its file.",
    });
  }
  return { cert, key };
}

/** The server's own certificate, the first of the file that `cert_file` names. */
export function readCertificate(path: string, readFile: ReadTlsFile): X509Certificate {
  return parseCertificate('cert_file', path, readPem('cert_file', path, readFile));
}

/** The first certificate of a PEM file. */
export function parseCertificate(option: string, path: string, bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (error) {
    const message = `${option} contains no certificate: ${path}`;
    throw new TlsRefused({ option, message, hint: 'It must be in PEM format.', cause: error });
  }
}

/** Days before its end from which a certificate is warned about. */
const SOON_DAYS = 30;
const DAY_MS = 86_400_000;

/** A warning for a certificate that is not valid now, or not much longer; undefined for one that is. */
export function validityWarning(path: string, certificate: X509Certificate): string | undefined {
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  const days = (to.getTime() - Date.now()) / DAY_MS;
  if (Date.now() < from.getTime()) return `The certificate ${path} is not valid before ${from.toISOString()}`;
  if (days < 0) return `The certificate ${path} has expired on ${to.toISOString()}`;
  const left = days < 2 ? 'a day' : `${Math.floor(days)} days`;
  if (days < 1) return `The certificate ${path} expires today, on ${to.toISOString()}`;
  if (days < SOON_DAYS) return `The certificate ${path} expires in ${left}, on ${to.toISOString()}`;
  return undefined;
}
