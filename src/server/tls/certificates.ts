/**
 * Certificates and keys in files: whether they can be read, match, and are still valid.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import {
  ConfigurationRefused,
  type DiagnosticsDetails,
  type ErrorDetails,
  type Location,
  locationText,
} from '../../errors/index.js';
import { missingHint } from './ssl-options.js';

/** Reads a whole file; throws as `readFileSync` does. A worker passes a function that returns the content its parent accepted. */
export type ReadTlsFile = (path: string) => Buffer;

/** Details of a {@link TlsRefused}. */
export interface TlsRefusal extends ErrorDetails {
  /** Option of `[ssl]` that is wrong, if it is one. */
  readonly option?: string | undefined;
  /** Path of a missing file. */
  readonly missing?: string | undefined;
  /** Location of the option, if that is no file. */
  readonly location?: Location | undefined;
}

const CODE = 'PORTICO_TLS_CONFIG';

/** Refused TLS settings: code `PORTICO_TLS_CONFIG`, status 78 before the start. */
export class TlsRefused extends ConfigurationRefused {
  readonly option: string | undefined;
  readonly #missing: string | undefined;

  constructor(details: TlsRefusal) {
    super(CODE, elsewhere(details) ?? details);
    this.option = details.option;
    this.#missing = details.missing;
  }

  /** Returns the error with the location where the option is set. */
  at(location: Location): TlsRefused {
    const { sentence: message, option, cause } = this;
    const { origin } = location;
    const hint = this.#missing === undefined ? this.hint : missingHint(this.#missing, origin?.file);
    return new TlsRefused({ message, option, hint, cause, origin, ...(origin === undefined && { location }) });
  }
}

/** Returns the message with a location that is no file, and the diagnostic, which has it for itself. */
function elsewhere({ location, message, hint, cause }: TlsRefusal): DiagnosticsDetails | undefined {
  if (location === undefined || locationText(location) === '') return undefined;
  const diagnostics = [{ severity: 'error' as const, code: CODE, location, message, hint }];
  return { message: `${locationText(location)}: ${message}`, hint, cause, diagnostics };
}

/** Returns the bytes of the file that an option names; refuses a missing or unreadable file. */
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

/** A file that an option names: its path, its bytes, and its first certificate or its key. */
export interface PemFile<T> {
  readonly path: string;
  readonly bytes: Buffer;
  readonly parsed: T;
}

/** Reads certificates; `parsed` is the first one. Refuses a file without certificates. */
export function readCertificates(option: string, path: string, readFile: ReadTlsFile): PemFile<X509Certificate> {
  const bytes = readPem(option, path, readFile);
  try {
    // The class also reads DER, which a server does not.
    if (!bytes.includes('-----BEGIN')) throw new TypeError('it is not PEM');
    return { path, bytes, parsed: new X509Certificate(bytes) };
  } catch (error) {
    const message = `${option} contains no certificate: ${path}`;
    throw new TlsRefused({ option, message, hint: 'It must be in PEM format.', cause: error });
  }
}

/** Returns all certificates of a file, such as the CAs of clients. */
export function certificatesOf({ bytes }: PemFile<X509Certificate>): X509Certificate[] {
  const blocks = bytes.toString('latin1').match(/-----BEGIN (X509 )?CERTIFICATE-----.+?-----END \1?CERTIFICATE-----/gs);
  return (blocks ?? []).map((pem) => new X509Certificate(pem));
}

/** Reads the private key of a certificate. */
export function readKey(path: string, readFile: ReadTlsFile): PemFile<KeyObject> {
  const bytes = readPem('key_file', path, readFile);
  try {
    return { path, bytes, parsed: createPrivateKey(bytes) };
  } catch (error) {
    throw new TlsRefused({
      option: 'key_file',
      message: `key_file contains no usable private key: ${path}`,
      hint: 'It must be in PEM format and have no passphrase.',
      cause: error,
    });
  }
}

/** Refuses a key that belongs to another certificate. */
export function checkPair(cert: PemFile<X509Certificate>, key: PemFile<KeyObject>): void {
  if (cert.parsed.checkPrivateKey(key.parsed)) return;
  throw new TlsRefused({
    option: 'key_file',
    message: `The key_file ${key.path} does not belong to the cert_file ${cert.path}`,
    hint: "Use the key of the certificate. The server's certificate must be the first in its file.",
  });
}

/** Days before its expiry from which a certificate causes a warning. */
const SOON_DAYS = 30;
const DAY_MS = 86_400_000;

/** Returns a warning for a certificate that is not valid now, or expires soon; otherwise undefined. */
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

/**
 * Returns a warning for a file whose last certificate is neither self-signed nor issued by a root of Node: the intermediate certificate is
 * missing. Browsers may find it by themselves, other clients refuse the connection. `authorities`: others that clients may know.
 */
export function chainWarning(
  path: string,
  certificates: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): string | undefined {
  const { subject, issuer } = certificates.at(-1) ?? {};
  if (issuer === undefined || issuer === subject || isRoot(issuer)) return undefined;
  if (authorities.some((authority) => authority.subject === issuer)) return undefined;
  const who = issuer.replaceAll('\n', ', ');
  return `Clients may not trust the certificate ${path}: append the intermediate certificate of its issuer, ${who}; if that is your own authority, its certificate`;
}

/** Reports whether Node has a root of this name. To parse all of them takes 40 ms. */
function isRoot(name: string): boolean {
  const [, last = ''] = /=([^\\\n]*)$/.exec(name) ?? [];
  return rootCertificates.some((pem) => derOf(pem).includes(last) && new X509Certificate(pem).subject === name);
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64');
}
