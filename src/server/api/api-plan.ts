/**
 * All that an API rests on, read together: what is wrong with one part hides nothing of the others.
 */
import { resolve } from 'node:path';
import type { TlsOptions } from 'node:tls';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, gatherRefusals, ignoreErrors } from '../../errors/index.js';
import { Loader, PasteAppNotFound } from '../../loader/index.js';
import type { Logger } from '../../log/index.js';
import type { ServiceFile, ServicePlan } from '../../service/index.js';
import type { TlsSettings } from '../tls/ssl-options.js';
import { tlsOption } from './api-options.js';
import { ApiServing } from './api-serving.js';
import { type ApiSettings, apiSettings, tlsSettings } from './api-settings.js';
import { type AppLoader, checkApp, pasteLoader } from './paste-config.js';
import type { WSGIServiceOptions } from './wsgi-service-options.js';

/** What the files say of an API. */
export interface ApiParts {
  readonly settings: ApiSettings;
  readonly serving: ApiServing;
  readonly loader: AppLoader;
  /** Undefined for plain HTTP, and in development for a certificate that is yet to be made. */
  readonly tls: TlsOptions | undefined;
}

/** What is read for: where its app comes from when not from the paste file, and how it is served. */
export type ApiReading = Pick<WSGIServiceOptions, 'loader' | 'useSsl' | 'dev'> & { readonly log: Logger };

/**
 * Reads options, paste file and certificates of an API. Throws what is wrong with any of them as one refusal. A name that
 * the paste file does not have is told alone: such an API is not served, and nothing else of it matters.
 */
export function apiParts(name: string, config: Config, reading: ApiReading): ApiParts {
  const { refusal, settings, serving, loader, tls } = readParts(name, config, reading);
  if (refusal !== undefined) throw refusal;
  return { settings: settings!, serving, loader: loader!, tls };
}

/** The same as a plan. Of what is refused it tells what can be read nonetheless. */
export function apiPlan(name: string, config: Config, reading: ApiReading): ServicePlan {
  const { refusal, settings, serving, loader, certificates } = readParts(name, config, reading);
  const paste = reading.loader === undefined && loader instanceof Loader ? loader : undefined;
  const files = certificates === undefined ? [] : tlsFiles(name, config, certificates, serving);
  return {
    pipelines: paste?.pipelines() ?? new Map(),
    ...(paste === undefined || settings === undefined ? {} : { app: paste.writtenApp(settings.pipeline) }),
    files: [...files, ...pasteFiles(paste, settings)],
    diagnostics: refusal?.diagnostics ?? [],
  };
}

interface PartsRead extends Partial<ApiParts> {
  readonly serving: ApiServing;
  /** The certificates it speaks TLS with. */
  readonly certificates?: TlsSettings;
  readonly refusal?: ConfigurationRefused;
}

/** Reads as much as can be read. */
function readParts(name: string, config: Config, reading: ApiReading): PartsRead {
  const serving = new ApiServing(name, config, reading);
  const read: { -readonly [K in keyof PartsRead]: PartsRead[K] } = { serving };
  let missing: PasteAppNotFound | undefined;
  try {
    gatherRefusals(
      () => {
        read.settings = apiSettings(config, name);
      },
      () => {
        read.loader = reading.loader ?? pasteLoader(config, reading.log, name);
        try {
          if (read.settings !== undefined) checkApp(read.loader, read.settings.pipeline);
        } catch (error) {
          if (error instanceof PasteAppNotFound) missing = error;
          throw error;
        }
      },
      () => {
        const tls = tlsSettings(config, name);
        if (serving.usesTls) read.certificates = tls;
        read.tls = serving.tlsOptions({ tls });
      },
    );
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    read.refusal = missing ?? error;
  }
  return read;
}

function tlsFiles(name: string, config: Config, tls: TlsSettings, serving: ApiServing): ServiceFile[] {
  const files = { cert_file: tls.certFile, key_file: tls.keyFile, ca_file: tls.caFile };
  return Object.entries(files).flatMap(([opt, file]) => {
    if (!file) return [];
    const set = tlsOption(config, name, opt);
    const says = opt === 'cert_file' ? ends(serving, tls) : undefined;
    return [{ path: resolve(file), option: `${set.group}.${set.opt}`, secret: opt === 'key_file', says }];
  });
}

/** Of a certificate that cannot be read, nothing: what is wrong with it is a diagnostic. */
function ends(serving: ApiServing, tls: TlsSettings): string | undefined {
  return ignoreErrors(() => `valid until ${serving.validUntil({ tls })?.toISOString()}`);
}

function pasteFiles(loader: Loader | undefined, settings: ApiSettings | undefined): ServiceFile[] {
  if (loader === undefined || settings === undefined) return [];
  const written = [...loader.writtenFiles(settings.pipeline)];
  return written.map(([path, pipelines]) => ({ path, option: 'DEFAULT.api_paste_config', pipelines }));
}
