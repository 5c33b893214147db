/**
 * How one API is served, as its configuration says at the moment it is asked: for its server, and for TLS.
 */

import { resolve } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { faultStyleOf } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { configOptions } from '../../config/internal.js';
import { type Place, placeOf } from '../../errors/index.js';
import type { ServerOptions } from '../server-options.js';
import { type ReadFile, TlsRefused } from '../tls/certificates.js';
import { keptCertificate } from '../tls/development-certificate.js';
import { expiryWarning, isTlsEnabled, tlsOptions, validUntil } from '../tls/tls.js';
import { servingOptions, tlsOption } from './api-options.js';
import { type ApiSettings, speaksTls } from './api-settings.js';
import { wsgiOptions } from './wsgi-options.js';

/** Turns the settings of one API into what a {@link Server} takes. */
export class ApiServing {
  /** Whether it speaks TLS. */
  readonly usesTls: boolean;
  readonly #name: string;
  readonly #config: Config;
  readonly #dev: boolean;

  /** `useSsl`: default what `[DEFAULT] enabled_ssl_apis` says. `dev`: TLS may do without files. */
  constructor(name: string, config: Config, given: { readonly useSsl?: boolean; readonly dev?: boolean }) {
    this.#name = name;
    this.#config = config;
    this.#dev = given.dev === true;
    const asked = speaksTls(config, name);
    this.usesTls = given.useSsl ?? asked;
  }

  /** Address, limits, times and style; all but certificates. */
  serverOptions({ address, options }: ApiSettings): ServerOptions {
    const { maxRequests, maxRequestsJitter } = options;
    return {
      ...this.#config.group('wsgi', wsgiOptions),
      ...address,
      drainIdle: this.#config.group('DEFAULT', servingOptions, { partial: true }).drainIdle,
      faultStyle: faultStyleOf(this.#config),
      maxRequests: maxRequests === 0 ? 0 : maxRequests + Math.floor(Math.random() * (maxRequestsJitter + 1)),
    };
  }

  /**
   * What TLS is spoken with; undefined for plain HTTP, and in development for a certificate that is yet to be made.
   * Throws `PORTICO_TLS_CONFIG`.
   */
  tlsOptions({ tls }: Pick<ApiSettings, 'tls'>): TlsOptions | undefined {
    if (!this.usesTls) return undefined;
    try {
      if (this.#dev && !isTlsEnabled(tls, this.#readFile)) return undefined;
      return tlsOptions(tls, this.#readFile);
    } catch (error) {
      if (!(error instanceof TlsRefused)) throw error;
      const location = this.#locationOf(error.option);
      throw location === undefined ? error : error.at({ origin: location.origin, detail: placeOf(location) });
    }
  }

  /** For development, where no files are named. */
  ownCertificate({ address }: Pick<ApiSettings, 'address'>): Promise<TlsOptions> {
    const { statePath } = this.#config.group('DEFAULT', configOptions, { partial: true });
    return keptCertificate(resolve(statePath), 'host' in address && address.host ? address.host : 'localhost');
  }

  /** A warning for a certificate that has ended or soon will. */
  expiryWarning({ tls }: ApiSettings): string | undefined {
    return this.usesTls && tls.certFile ? expiryWarning(tls.certFile, this.#readFile) : undefined;
  }

  /** When the certificate ends; undefined without one in a file. */
  validUntil({ tls }: Pick<ApiSettings, 'tls'>): Date | undefined {
    return this.usesTls && tls.certFile ? validUntil(tls.certFile, this.#readFile) : undefined;
  }

  /** Where an option of TLS was set: in the API's own section, else in `[ssl]`; without one, where TLS was asked for. */
  #locationOf(option: string | undefined): Place | undefined {
    const { group, opt } =
      option === undefined
        ? { group: 'DEFAULT', opt: 'enabled_ssl_apis' }
        : tlsOption(this.#config, this.#name, option);
    const location = this.#config.has(group, opt) ? this.#config.getLocation(group, opt) : undefined;
    return location?.kind === 'default' ? undefined : location;
  }

  /** Certificates may be renewed while the rest stays as it is. */
  readonly #readFile: ReadFile = (path) => this.#config.readFile(path, { mutable: true });
}
