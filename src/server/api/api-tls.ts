/** TLS of one API, as configured at the time of the call; and its development certificate, for TLS without certificate files. */
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
import { dirname, join, resolve } from 'node:path';
import type { TlsOptions } from 'node:tls';
import type { Config } from '../../config/index.js';
import { configOptions, diagnose } from '../../config/internal.js';
import { type Diagnostic, ignoreErrors, type Location } from '../../errors/index.js';
import type { ListenAddress, PlannedCertificate, ServiceFile } from '../../service/index.js';
import {
  certificatesOf,
  chainWarning,
  type PemFile,
  type ReadTlsFile,
  readCertificates,
  validityWarning,
} from '../tls/certificates.js';
import { sslSettings, type TlsSettings, tlsOption } from '../tls/ssl-options.js';
import { checkedTlsOptions } from '../tls/tls.js';
import { enabledApisOptions } from './api-options.js';

/** Code of a warning about a certificate that clients may not trust. */
const CHAIN = 'PORTICO_TLS_CHAIN';

/** TLS settings and certificates of an API. */
export class ApiTls {
  /** True if the API speaks TLS. */
  readonly enabled: boolean;
  readonly #name: string;
  readonly #config: Config;
  readonly #dev: boolean;

  /** `useSsl`: default by `[DEFAULT] enabled_ssl_apis`. `dev`: TLS may be used without files. */
  constructor(name: string, config: Config, given: { readonly useSsl?: boolean; readonly dev?: boolean }) {
    this.#name = name;
    this.#config = config;
    this.#dev = given.dev === true;
    // Always read, so that errors in it are reported.
    const { enabledSslApis } = config.group('DEFAULT', enabledApisOptions, { partial: true });
    this.enabled = given.useSsl ?? enabledSslApis.includes(name);
  }

  /**
   * Returns the options of TLS; undefined for plain HTTP, and in development for a certificate that will be created.
   * Throws ConfigError for errors in `[ssl]`, and `PORTICO_TLS_CONFIG`.
   */
  options(): TlsOptions | undefined {
    // Read even for plain HTTP, so that errors in it are reported.
    const tls = sslSettings(this.#config, this.#name);
    if (!this.enabled) return undefined;
    if (this.#dev && !tls.certFile && !tls.keyFile) return undefined;
    return checkedTlsOptions(tls, this.#readFile, (refused) => {
      const location = this.#locationOf(refused.option);
      return location === undefined ? refused : refused.at(location);
    });
  }

  /** For development, if no files are named; undefined for plain HTTP. */
  ownCertificate(address: ListenAddress): Promise<TlsOptions> | undefined {
    if (!this.enabled) return undefined;
    const { statePath } = this.#config.group('DEFAULT', configOptions, { partial: true });
    return keptCertificate(resolve(statePath), 'host' in address && address.host ? address.host : 'localhost');
  }

  /**
   * Returns warnings of certificates that are not valid now, or expire soon, or that clients may not trust: its own, then those of its
   * clients' CAs.
   */
  certificateWarnings(): Diagnostic[] {
    const { certFile, caFile } = sslSettings(this.#config, this.#name);
    const own = this.#certificates(certFile);
    const authorities = this.#authorities(caFile);
    const warn = (opt: string, code: string, message: string | undefined): Diagnostic[] => {
      if (message === undefined) return [];
      const option = tlsOption(this.#config, this.#name, opt);
      return [diagnose(this.#config, { severity: 'warning', code, ...option, message })];
    };
    const expiry = 'PORTICO_TLS_EXPIRY';
    return [
      ...(own === undefined ? [] : warn('cert_file', expiry, validityWarning(certFile!, own.parsed))),
      ...warn('cert_file', CHAIN, this.untrusted),
      ...authorities.flatMap((authority) => {
        const name = `of ${authority.subject.replaceAll('\n', ', ')} in ${caFile}`;
        return warn('ca_file', expiry, validityWarning(name, authority));
      }),
    ];
  }

  /** Why clients may not trust its certificate; undefined if nothing is known against it. */
  get untrusted(): string | undefined {
    const { certFile, caFile } = sslSettings(this.#config, this.#name);
    const own = this.#certificates(certFile);
    return own && chainWarning(certFile!, certificatesOf(own), this.#authorities(caFile));
  }

  /** Returns the certificate for a plan; undefined without a certificate file. */
  planned(): PlannedCertificate | undefined {
    const ends = this.validUntil?.toISOString();
    if (ends === undefined) return undefined;
    return { ends, warnings: this.certificateWarnings(), untrusted: this.untrusted };
  }

  /** Expiry of the certificate; undefined without a certificate file. */
  get validUntil(): Date | undefined {
    const own = this.#certificates(sslSettings(this.#config, this.#name).certFile);
    return own && new Date(own.parsed.validTo);
  }

  /** Returns the files of certificates and key, for TLS. Leaves out unreadable files: their errors are diagnostics. */
  files(): ServiceFile[] {
    const { certFile, keyFile, caFile } = sslSettings(this.#config, this.#name);
    const files = { cert_file: certFile, key_file: keyFile, ca_file: caFile };
    return Object.entries(files).flatMap(([option, file]) => {
      if (!file) return [];
      const { group, opt } = tlsOption(this.#config, this.#name, option);
      const ends = (): string => `valid until ${this.validUntil?.toISOString()}`;
      const says = option === 'cert_file' ? ignoreErrors(ends) : undefined;
      return [{ path: resolve(file), option: `${group}.${opt}`, secret: option === 'key_file', says }];
    });
  }

  #certificates(certFile: TlsSettings['certFile']): PemFile<X509Certificate> | undefined {
    return this.enabled && certFile ? readCertificates('cert_file', certFile, this.#readFile) : undefined;
  }

  #authorities(caFile: TlsSettings['caFile']): readonly X509Certificate[] {
    return this.enabled && caFile ? certificatesOf(readCertificates('ca_file', caFile, this.#readFile)) : [];
  }

  /**
   * Returns the location of a TLS option: in the API's section, else in `[ssl]`; if it is set in neither, the location that
   * enables TLS.
   */
  #locationOf(option: string | undefined): Location | undefined {
    const { group, opt } =
      option === undefined
        ? { group: 'DEFAULT', opt: 'enabled_ssl_apis' }
        : tlsOption(this.#config, this.#name, option);
    const location = this.#config.has(group, opt) ? this.#config.getLocation(group, opt) : undefined;
    return location?.kind === 'default' ? undefined : location;
  }

  readonly #readFile: ReadTlsFile = (path) => this.#config.readFile(path);
}

/** Creates a key with a certificate for localhost, 127.0.0.1, ::1 and a host, which no other machine trusts, as PEM. */
async function createdPem(host: string): Promise<string> {
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
  const pem = keptPem(file) ?? keep(file, await createdPem(host));
  return {
    cert: pem,
    key: pem,
    minVersion: 'TLSv1.2',
    secureOptions: cryptoConstants.SSL_OP_NO_RENEGOTIATION,
  };
}

const DAY_MS = 86_400_000;

/** Returns undefined if it is missing, broken, expires within a day, or another user owns it or may write to it. */
function keptPem(file: string): string | undefined {
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

/** Keeps a certificate, and returns the kept one: that of the first API if several start at once. Keeps none in a file of another user. */
function keep(file: string, pem: string): string {
  const own = `${file}.${randomUUID()}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(own, pem, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(own, file);
    return pem;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = keptPem(file);
    if (other === undefined) ignoreErrors(() => renameSync(own, file));
    return other ?? pem;
  } finally {
    rmSync(own, { force: true });
  }
}
