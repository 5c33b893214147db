/**
 * Reads all files of an API together: an error in one part hides no errors of the others.
 */
import type { TlsOptions } from 'node:tls';
import type { Config } from '../../config/index.js';
import { readingFrom } from '../../config/internal.js';
import { ConfigurationRefused, gatherRefusals, ignoreErrors } from '../../errors/index.js';
import { isSectionName, PasteAppNotFound, PasteFile } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import type { PlannedService, ServicePlan } from '../../service/index.js';
import { type AppLoader, apiOptions, type WSGIServiceOptions } from './api-options.js';
import { type ApiSettings, addressPlace, apiSettings, serverOptionsOf } from './api-settings.js';
import { ApiTls } from './api-tls.js';

/** An API as described by the files. */
export interface ApiParts {
  readonly settings: ApiSettings;
  readonly apiTls: ApiTls;
  readonly loader: AppSource;
  /** Undefined for plain HTTP, and in development for a certificate that will be created. */
  readonly tls: TlsOptions | undefined;
}

/** The part of an app source that reports whether it has the app. */
export type AppSource = Pick<AppLoader, 'has' | 'path'>;

/** Options of a reading: the source of the app if it is not the paste file, and the way it is served. */
export type ApiReading = Pick<WSGIServiceOptions, 'loader' | 'useSsl' | 'dev'> & {
  readonly log: Logger;
  /** Returns the paste file of a configuration, for the API of that name. */
  readonly paste: (config: Config, log: Logger, name: string) => PasteFile;
};

/** An API as its parent of workers knows it. */
export interface PlannedApi extends PlannedService {
  /** The app of the paste file that is served. */
  readonly pipeline: string;
  readonly pasteFile: string | undefined;
  readonly usesTls: boolean;
}

/** Returns the plan of an API. Rejects as {@link apiParts}, and with other refusals of a `WSGIService`. */
export async function plannedApi(name: string, config: Config, reading: ApiReading): Promise<PlannedApi> {
  const read = readParts(name, config, await followingReferences(name, config, reading));
  if (read.refusal !== undefined) throw read.refusal;
  const { apiTls, loader } = read;
  const settings = read.settings!;
  serverOptionsOf(config, settings);
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

/** Opens the paste file, with a Loader only if the API's app is a reference that leads out of it: most parents load no Loader. */
async function followingReferences(name: string, config: Config, reading: ApiReading): Promise<ApiReading> {
  const pipeline = ignoreErrors(() => config.api(name, apiOptions, { partial: true }).pipeline) || name;
  if (isSectionName(pipeline)) return reading;
  const { pasteLoader } = await import('./paste-loader.js');
  return { ...reading, paste: pasteLoader };
}

/**
 * Reads options, paste file and certificates of an API. Throws all errors as one refusal. If the paste file lacks the
 * name, only that is reported: such an API is not served, and its other errors do not matter.
 */
export function apiParts(name: string, config: Config, reading: ApiReading): ApiParts {
  const parts = (): ApiParts => {
    const read = readParts(name, config, reading);
    if (read.refusal !== undefined) throw read.refusal;
    return read as ApiParts;
  };
  // With a loader in code, there may be no paste file to validate.
  return reading.loader === undefined ? readingFrom(config, parts) : parts();
}

/** Returns a plan. If parts are refused, it contains the parts that can be read. */
export function apiPlan(name: string, config: Config, reading: ApiReading): ServicePlan {
  return planOf(readParts(name, config, reading), reading);
}

function planOf({ refusal, settings, apiTls, loader }: PartsRead, reading: ApiReading): ServicePlan {
  const paste = reading.loader === undefined && loader instanceof PasteFile ? loader : undefined;
  const pasteFiles = settings === undefined ? [] : (paste?.files() ?? []);
  const files = apiTls.enabled ? (ignoreErrors(() => apiTls.files()) ?? []) : [];
  return {
    // Both are computed on demand: for a reload, and for `GET /pipelines`.
    get pipelines() {
      return paste?.pipelines() ?? new Map();
    },
    get app() {
      return settings === undefined ? undefined : paste?.writtenApp(settings.pipeline);
    },
    files: [...files, ...pasteFiles.map((path) => ({ path, option: 'DEFAULT.api_paste_config' }))],
    diagnostics: refusal?.diagnostics ?? [],
    certificate: apiTls.enabled ? ignoreErrors(() => apiTls.planned()) : undefined,
  };
}

interface PartsRead extends Partial<ApiParts> {
  readonly apiTls: ApiTls;
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
        read.loader = reading.loader ?? reading.paste(config, reading.log, name);
        try {
          if (read.settings !== undefined) checkApp(read.loader, read.settings.pipeline);
        } catch (error) {
          if (error instanceof PasteAppNotFound) missing = error;
          throw error;
        }
      },
      () => {
        read.tls = apiTls.options();
      },
    );
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    read.refusal = missing ?? error;
  }
  return read;
}

/**
 * Throws PasteAppNotFound unless the loader has an app of that name. Reads the files that the paste file includes: they
 * are accepted together with it.
 */
function checkApp(loader: AppSource, name: string): void {
  if (loader.has(name)) {
    if (loader instanceof PasteFile) loader.files();
    return;
  }
  // Its error suggests similar names.
  if (loader instanceof PasteFile) loader.checkApp(name);
  else throw new PasteAppNotFound('PORTICO_PASTE_NO_SECTION', { message: `no app is called "${name}"` });
}
