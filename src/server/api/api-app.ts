/**
 * The app of an API, built from its paste file: also the next one, while the present one serves.
 */
import type { App, Filter } from '../../app/index.js';
import { configuredFaultForm, unavailable } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, isError, Refusals } from '../../errors/index.js';
import { type LoadedApp, Loader } from '../../loader/index.js';
import type { CreateOptions, Walk } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import { buildLog } from '../../service/internal.js';
import { within } from '../../tasks/internal.js';
import type { ServerOptions } from '../server-options.js';
import { bothProbes } from '../spans/filter-times.js';
import { filterSpans } from '../spans/request-span.js';
import type { ApiMeter } from './api-meter.js';
import { type AppLoader, apiOptions, type WSGIServiceOptions } from './api-options.js';
import type { AppSource } from './api-plan.js';
import { pasteLoader } from './paste-loader.js';

/** App of an API before its first start. */
export const unbuilt: App = () => {
  throw new Error('the app is built when the service starts');
};

/** App of a service that accepts no more requests but still listens. */
export const withdrawn: App = () => {
  throw unavailable('This service has been withdrawn. Use another one.', 60, { headers: { connection: 'close' } });
};

/** App of an API between two runs, if the next one does not start. */
export const reloading: App = () => {
  throw unavailable('The service is reloading.', 1);
};

/** Settings for the server's own faults: their form, and the filters around them. */
type FaultSettings = Pick<ServerOptions, 'faultStyle' | 'invalidInputStatus' | 'aroundRefusals'>;

/** An app with its loader. */
interface BuiltApp {
  readonly app: LoadedApp;
  readonly faults: FaultSettings;
  readonly loader: AppLoader;
  /** Configuration that it was built from. */
  readonly config: Config;
}

/** Parts of an API's apps: options of its service, its log and its meter. */
type ApiAppParts = Pick<WSGIServiceOptions, 'loader' | 'faultStyle'> & {
  readonly log: Logger;
  readonly meter: ApiMeter;
};

/** Builds the apps of one API. */
export class ApiApp {
  readonly #name: string;
  readonly #parts: ApiAppParts;
  /** App that was built before a start. */
  #prepared: BuiltApp | undefined;
  /** Paste file of the last app, if it comes from one. */
  path: string | undefined;
  /** Its paste file as opened last, until it serves: it holds the document, so that the next build does not parse the file again. */
  opened: AppSource | undefined;
  /** The walk of the last build over its paste file, until it serves. */
  walked: Walk | undefined;

  constructor(name: string, parts: ApiAppParts, opened: AppSource) {
    this.#name = name;
    this.#parts = parts;
    this.opened = opened;
    this.path = opened.path;
  }

  /** Configuration of the app that was built before a start, until a start takes it. */
  get preparedFrom(): Config | undefined {
    return this.#prepared?.config;
  }

  /** Builds the next app, in place of one that was built before and not used. The returned function releases it. */
  async prepare(pipeline: string, config: Config): Promise<() => Promise<void>> {
    const built = await this.#build(pipeline, config);
    const before = this.#prepared;
    // Before the other app is closed: a start meanwhile takes the newer one.
    this.#prepared = built;
    await this.close(before?.app);
    return async () => {
      if (this.#prepared !== built) return;
      this.#prepared = undefined;
      await this.close(built.app);
    };
  }

  /** Returns the prepared app, else a new one. Rejects with the error of its build, or with the signal's reason. */
  async start(pipeline: string, config: Config, signal: AbortSignal): Promise<BuiltApp> {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    const built = prepared ?? (await unlessAborted(this.#build(pipeline, config), signal));
    this.path = built.loader.path;
    this.opened = undefined;
    this.walked = undefined;
    return built;
  }

  /** Releases the resources of an app's factories. `over`: aborted when no time is left. */
  async close(app: LoadedApp | undefined, over = AbortSignal.abort()): Promise<void> {
    await app?.close(over).catch((error: unknown) => this.#parts.log.error({ err: error }, 'closing the app failed'));
  }

  /** All workers build the same app, so only the first worker logs warnings of filters. */
  async #build(pipeline: string, config: Config): Promise<BuiltApp> {
    const { log, meter, loader: own, faultStyle } = this.#parts;
    const building = buildLog(log);
    const loader = own ?? pasteLoader(config, building.log, this.#name);
    const aroundFilters = bothProbes(filterSpans(config), meter.probes(config));
    const connect = () => meter.connect(config);
    const refusals = new Refusals();
    const faults = await refusals.gather(() => configuredFaultForm(config, this.#name));
    const aroundRefusals = new Map<string, Filter>();
    this.walked = undefined;
    const app = await refusals
      .gather(() => this.#load(loader, pipeline, { aroundFilters, connect, faults: null, aroundRefusals }))
      .finally(building.over);
    try {
      refusals.refuse();
      // Its code is loaded, so its section has no unknown names.
      config.api(this.#name, apiOptions);
    } catch (error) {
      await app?.close();
      throw error;
    }
    const { style, invalidInputStatus } = faults!;
    const around = [...aroundRefusals.values()];
    return {
      app: app!,
      loader,
      config,
      faults: { faultStyle: faultStyle ?? style, invalidInputStatus, aroundRefusals: around },
    };
  }

  /** Loads the app. If its paste file is refused, the exception has all errors that the build has found there. */
  async #load(loader: AppLoader, name: string, options: CreateOptions): Promise<LoadedApp> {
    // For another loader's app, the server measures the whole.
    if (!(loader instanceof Loader)) return loader.loadApp(name);
    const walked = (walk: Walk): void => {
      this.walked = walk;
    };
    try {
      return await loader.loadApp(name, { walked, ...options });
    } catch (error) {
      const errors = this.walked?.diagnostics.filter(isError) ?? [];
      // If only factories have failed, the exception has all their errors.
      const isWhole = errors.length < 2 || this.walked?.load.findings.blames === false;
      if (isWhole || !(error instanceof ConfigurationRefused)) throw error;
      throw new ConfigurationRefused(error.code, { diagnostics: errors, cause: error });
    }
  }
}

/** Time that loading has after a stop has ended the start: nothing else was begun yet. */
const ABORTED_MS = 500;

/** Returns the app; rejects with the signal's reason shortly after an abort, and closes the app if it arrives later. */
async function unlessAborted(loading: Promise<BuiltApp>, signal: AbortSignal): Promise<BuiltApp> {
  const untilStopped = { ms: Number.POSITIVE_INFINITY, signal, unref: true };
  const built = (await within(loading, untilStopped)) ?? (await within(loading, ABORTED_MS));
  if (built !== undefined) return built;
  loading.then(({ app }) => app.close()).catch(() => undefined);
  throw signal.reason;
}
