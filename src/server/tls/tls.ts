/**
 * TLS of a server: from the options of `[ssl]` to those of `node:tls`.
 */
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type SecureVersion, type TlsOptions } from 'node:tls';
import { Config } from '../../config/index.js';
import { gatherRefusals } from '../../errors/index.js';
import { checkPair, type ReadTlsFile, readCertificates, readKey, readPem, TlsRefused } from './certificates.js';
import { sslSettings, type TlsSettings } from './ssl-options.js';

/**
 * Reports whether TLS is configured: a certificate or a key is named. Throws `PORTICO_TLS_CONFIG` if a named file is
 * missing or cannot be read, or if only one of the two is named.
 */
export function isTlsEnabled(conf: Config | TlsSettings, readFile: ReadTlsFile = readFileSync): boolean {
  const { certFile, keyFile, caFile } = settingsOf(conf);
  if (certFile) readPem('cert_file', certFile, readFile);
  if (caFile) readPem('ca_file', caFile, readFile);
  if (keyFile) readPem('key_file', keyFile, readFile);
  if (!certFile && !keyFile) return false;
  if (!certFile || !keyFile) throw bothNeeded(certFile ? 'cert_file' : 'key_file');
  return true;
}

/**
 * Returns the options of a TLS server: the files' contents, versions, ciphers, and client certificates.
 *
 * By default TLS 1.2 and 1.3 with forward secrecy only, and no renegotiation by the client (RFC 7457). Throws
 * `PORTICO_TLS_CONFIG` as {@link isTlsEnabled} does, without certificate and key, for a pair that does not match, for
 * settings that OpenSSL refuses, and for an obsolete version; several errors as one `ConfigurationRefused`.
 */
export function tlsOptions(conf: Config | TlsSettings, readFile: ReadTlsFile = readFileSync): TlsOptions {
  return checkedTlsOptions(settingsOf(conf), readFile, (refused) => refused);
}

/**
 * As {@link tlsOptions}, for settings with known locations: `placed` adds the location to each error. All errors are
 * thrown as one.
 */
export function checkedTlsOptions(
  settings: TlsSettings,
  readFile: ReadTlsFile,
  placed: (refused: TlsRefused) => TlsRefused,
): TlsOptions {
  const { certFile, keyFile, caFile } = settings;
  const step =
    <T>(run: () => T) =>
    (): T => {
      try {
        return run();
      } catch (error) {
        throw error instanceof TlsRefused ? placed(error) : error;
      }
    };
  if (!certFile && !keyFile) throw placed(bothNeeded());
  const [cert, key, ca, auth, versions] = gatherRefusals(
    step(() => {
      if (!certFile) throw bothNeeded('key_file');
      return readCertificates('cert_file', certFile, readFile);
    }),
    step(() => {
      if (!keyFile) throw bothNeeded('cert_file');
      return readKey(keyFile, readFile);
    }),
    step(() => (caFile ? readCertificates('ca_file', caFile, readFile) : undefined)),
    step(() => clientAuthOf(settings)),
    step(() => protocolVersions(settings)),
  );
  const ciphers =
    settings.ciphers || (versions.minVersion < 'TLSv1.2' ? `${FORWARD_SECRECY}:${FOR_OLD_VERSIONS}` : FORWARD_SECRECY);
  const files = { cert: cert.bytes, key: key.bytes, ...(ca === undefined ? {} : { ca: ca.bytes }) };
  gatherRefusals(
    step(() => checkPair(cert, key)),
    step(() => checkUsable('ciphers', { ciphers, ...versions })),
    step(() => ca && checkUsable('ca_file', { ca: ca.bytes }, ca.path)),
  );
  step(() => checkUsable('cert_file', { ...files, ciphers, ...versions }, cert.path))();
  return {
    ...files,
    requestCert: auth !== 'none',
    rejectUnauthorized: auth === 'required',
    ...versions,
    ciphers,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** Refuses settings that OpenSSL refuses when a server starts: a key that is too short, unknown ciphers. */
function checkUsable(option: string, options: SecureContextOptions, path?: string): void {
  try {
    createSecureContext(options);
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string };
    const words = [`${option} cannot be used`, reason ?? message, ...(path === undefined ? [] : [path])];
    const hint =
      path === undefined
        ? '`openssl ciphers` lists the ciphers that a text selects.'
        : 'Each certificate in it must be complete, and have a key of at least 2048 bits.';
    throw new TlsRefused({ option, message: words.join(': '), hint, cause: error });
  }
}

/** Returns the mode of client certificates: `required` by default if a `ca_file` is named. */
export function clientAuthOf({ clientAuth, caFile }: TlsSettings): 'none' | 'optional' | 'required' {
  const auth = clientAuth ?? (caFile ? 'required' : 'none');
  if (auth === 'none' || caFile) return auth;
  throw new TlsRefused({
    option: 'client_auth',
    message: `client_auth is ${auth}, but ca_file is not set`,
    hint: 'Set it to the CA certificates of your clients.',
  });
}

/** Ciphers of TLS 1.3, and those of TLS 1.2 whose session keys cannot be recovered with a key stolen later. */
const FORWARD_SECRECY = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
].join(':');

/** Additional ciphers for TLS 1.0 and 1.1: OpenSSL 3 counts their signatures as level 0. */
const FOR_OLD_VERSIONS = 'ECDHE+AES:@SECLEVEL=0';

/** Names of protocol versions in Python's ssl module, in lower case. */
const VERSIONS: Readonly<Record<string, SecureVersion>> = {
  tlsv1: 'TLSv1',
  tlsv1_1: 'TLSv1.1',
  tlsv1_2: 'TLSv1.2',
  tlsv1_3: 'TLSv1.3',
};

function protocolVersions(settings: TlsSettings): { minVersion: SecureVersion; maxVersion?: SecureVersion } {
  const { version, minVersion } = settings;
  if (!version || version.toLowerCase() === 'sslv23') return { minVersion: minVersion ?? 'TLSv1.2' };
  const only = Object.hasOwn(VERSIONS, version.toLowerCase()) ? VERSIONS[version.toLowerCase()] : undefined;
  if (only === undefined) {
    throw new TlsRefused({
      option: 'version',
      message: `Invalid SSL version : ${version}`,
      hint: 'Use TLSv1_2 or TLSv1_3, or omit it for both.',
    });
  }
  return { minVersion: only, maxVersion: only };
}

function settingsOf(conf: Config | TlsSettings): TlsSettings {
  return conf instanceof Config ? sslSettings(conf) : conf;
}

function bothNeeded(option?: string): TlsRefused {
  return new TlsRefused({
    option,
    message:
      'When running server in SSL mode, you must specify both a cert_file and key_file option value in your configuration file',
    hint: 'Set cert_file and key_file in [ssl], or ssl_cert_file and ssl_key_file in [api:<name>].',
  });
}
