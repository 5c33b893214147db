/**
 * Reads all files of an API together: a mistake in one part hides no mistakes of the others.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { TlsOptions } from 'node:tls';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, gatherRefusals, ignoreErrors, shownPath } from '../../errors/index.js';
import { ConfigNotFound, Loader, PasteAppNotFound } from '../../loader/index.js';
import { unreadable } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import { namedManager } from '../../registry/internal.js';
import type { PlannedService, ServiceFile, ServicePlan } from '../../service/index.js';
import { missingFileHint } from '../missing-file.js';
import type { TlsSettings } from '../tls/ssl-options.js';
import { type AppLoader, servingOptions, type WSGIServiceOptions } from './api-options.js';
import { type ApiSettings, addressPlace, apiSettings, serverOptionsOf, tlsSettings } from './api-settings.js';
import { ApiTls } from './api-tls.js';

/** An API as described by the files. */
export interface ApiParts {
  readonly settings: ApiSettings;
  readonly apiTls: ApiTls;
  readonly loader: AppLoader;
  /** Undefined for plain HTTP, and in development for a certificate that will be created. */
  readonly tls: TlsOptions | undefined;
}

/** Options of a reading: the source of the app if it is not the paste file, and the way it is served. */
export type ApiReading = Pick<WSGIServiceOptions, 'loader' | 'useSsl' | 'dev'> & {
  readonly log: Logger;
  /** Returns a Loader of the paste file, for readings of several APIs. Default: one for this API. */
  readonly paste?: (() => Loader) | undefined;
};

/** An API as its parent of workers knows it. */
export interface PlannedApi extends PlannedService {
  /** The app of the paste file that is served. */
  readonly pipeline: string;
  readonly pasteFile: string | undefined;
  readonly usesTls: boolean;
}

/** Returns the plan of an API. Throws as {@link apiParts}, and other refusals of a `WSGIService`. */
export function plannedApi(name: string, config: Config, reading: ApiReading): PlannedApi {
  const read = readParts(name, config, reading);
  if (read.refusal !== undefined) throw read.refusal;
  const { apiTls, loader } = read;
  const settings = read.settings!;
  serverOptionsOf(config, settings);
  namedManager(config, { group: `api:${name}`, opt: 'manager' });
  const { address, workers, pipeline } = settings;
  return Object.assign(planOf(read, reading), {
    kind: 'planned' as const,
    name,
    workers: reading.dev === true ? 1 : workers,
    addresses: [address],
    addressPlace: addressPlace(config, name),
    pipeline,
    pasteFile: loader?.path,
    usesTls: apiTls.enabled,
  });
}

/**
 * Reads options, paste file and certificates of an API. Throws all mistakes as one refusal. If the paste file lacks the
 * name, only that is reported: such an API is not served, and its other mistakes do not matter.
 */
export function apiParts(name: string, config: Config, reading: ApiReading): ApiParts {
  const { refusal, settings, apiTls, loader, tls } = readParts(name, config, reading);
  if (refusal !== undefined) throw refusal;
  return { settings: settings!, apiTls, loader: loader!, tls };
}

/** Returns a plan. If parts are refused, it contains the parts that can be read. */
export function apiPlan(name: string, config: Config, reading: ApiReading): ServicePlan {
  return planOf(readParts(name, config, reading), reading);
}

function planOf({ refusal, settings, apiTls, loader, certificates }: PartsRead, reading: ApiReading): ServicePlan {
  const paste = reading.loader === undefined && loader instanceof Loader ? loader : undefined;
  const files = certificates === undefined ? [] : apiTls.files(certificates);
  return {
    pipelines: paste?.pipelines() ?? new Map(),
    // Computed on demand: only a status page reads it.
    get app() {
      return settings === undefined ? undefined : paste?.writtenApp(settings.pipeline);
    },
    files: [...files, ...pasteFiles(paste, settings)],
    diagnostics: refusal?.diagnostics ?? [],
    certificate: certificates && ignoreErrors(() => apiTls.planned(certificates)),
  };
}

interface PartsRead extends Partial<ApiParts> {
  readonly apiTls: ApiTls;
  /** Certificates of its TLS. */
  readonly certificates?: TlsSettings;
  readonly refusal?: ConfigurationRefused;
}

/** Reads as much as can be read. */
function readParts(name: string, config: Config, reading: ApiReading): PartsRead {
  const apiTls = new ApiTls(name, config, reading);
  const read: { -readonly [K in keyof PartsRead]: PartsRead[K] } = { apiTls };
  let missing: PasteAppNotFound | undefined;
  try {
    gatherRefusals(
      () => {
        read.settings = apiSettings(config, name);
      },
      () => {
        read.loader = reading.loader ?? reading.paste?.() ?? pasteLoader(config, reading.log, name);
        try {
          if (read.settings !== undefined) checkApp(read.loader, read.settings.pipeline);
        } catch (error) {
          if (error instanceof PasteAppNotFound) missing = error;
          throw error;
        }
      },
      () => {
        const tls = tlsSettings(config, name);
        if (apiTls.enabled) read.certificates = tls;
        read.tls = apiTls.options(tls);
      },
    );
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    read.refusal = missing ?? error;
  }
  return read;
}

function pasteFiles(loader: Loader | undefined, settings: ApiSettings | undefined): ServiceFile[] {
  if (loader === undefined || settings === undefined) return [];
  return loader.files().map((path) => ({
    path,
    option: 'DEFAULT.api_paste_config',
    // Computed on demand: only a report of a changed file reads it.
    get pipelines() {
      return loader.writtenFiles(settings.pipeline).get(path)!;
    },
  }));
}

/** Returns a Loader of the file in `[DEFAULT] api_paste_config`. Throws ConfigNotFound, or the mistakes of the file. */
export function pasteLoader(config: Config, log: Logger, service: string): Loader {
  return new Loader(configuredPasteFile(config), { config, service, log });
}

/**
 * Returns the path in `[DEFAULT] api_paste_config`. Throws ConfigNotFound, with the place of the option, if it cannot
 * be read.
 */
export function configuredPasteFile(config: Config): string {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const found = config.findFile(apiPasteConfig);
  if (found === undefined) throw noPasteFile(config, apiPasteConfig);
  try {
    config.readFile(found);
  } catch (cause) {
    const { code, message, hint } = unreadable(cause, shownPath(found));
    throw new ConfigNotFound(code, { message, hint, cause }, config.getLocation('DEFAULT', 'api_paste_config'));
  }
  return found;
}

/**
 * Throws PasteAppNotFound unless the loader has an app of that name. Reads the files that the paste file includes: they
 * are accepted together with it.
 */
function checkApp(loader: AppLoader, name: string): void {
  if (loader.has(name)) {
    if (loader instanceof Loader) loader.files();
    return;
  }
  // The Loader's error suggests similar names.
  if (loader instanceof Loader) loader.appConfig(name);
  else throw new PasteAppNotFound('PORTICO_PASTE_NO_SECTION', { message: `no app is called "${name}"` });
}

/** Error of a missing paste file: names the option, and the files that exist instead. */
function noPasteFile(config: Config, file: string): ConfigNotFound {
  const location = config.getLocation('DEFAULT', 'api_paste_config');
  const near = missingFileHint(
    resolve(dirname(config.configFiles.at(-1) ?? resolve('x')), file),
    '.ini',
    config.configFiles,
  );
  const hints = [
    location.kind === 'default' ? 'It is the default of [DEFAULT] api_paste_config.' : undefined,
    near,
    isAbsolute(file) ? undefined : `A relative path is looked for beside ${beside(config)}.`,
  ].filter((hint) => hint !== undefined);
  const hint = hints.length === 0 ? 'Create it, or set another path.' : hints.join(' ');
  return new ConfigNotFound('PORTICO_PASTE_NO_FILE', { message: `Could not find config at ${file}`, hint }, location);
}

function beside(config: Config): string {
  const files = config.configFiles;
  return files.length === 0
    ? `${resolve('.')} and paste/ in it, because no configuration file was read`
    : files.join(', ');
}
