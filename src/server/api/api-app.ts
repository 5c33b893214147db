/**
 * The app of an API, built from its paste file, over its restarts: the next one is built whole before the present one is
 * closed, and the present one goes on if that fails.
 */
import { type App, takesOwnSlot, withSlot } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, describeError } from '../../errors/index.js';
import { type LoadedApp, Loader } from '../../loader/index.js';
import type { CreateOptions } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import { buildLog } from '../../service/internal.js';
import { filterSpans } from '../spans/filter-spans.js';
import type { ApiMeter } from './api-meter.js';
import { refuseUnknown } from './api-settings.js';
import { bothProbes } from './filter-times.js';
import { type AppLoader, pasteLoader } from './paste-config.js';

/** An app, and the loader it came from. */
export interface BuiltApp {
  readonly app: LoadedApp;
  readonly loader: AppLoader;
}

/** What stands for the app of an API before its first start. */
export const unbuilt: App = () => {
  throw new Error('the app is built when the service starts');
};

/** Holds the app of one API. */
export class ApiApp {
  readonly #name: string;
  readonly #log: Logger;
  #app: LoadedApp | undefined;
  /** Built ahead of the next start. */
  #prepared: BuiltApp | undefined;

  constructor(name: string, log: Logger) {
    this.#name = name;
    this.#log = log;
  }

  /** There is an app: of a run under way, or of one that ended for a restart. */
  get isThere(): boolean {
    return this.#app !== undefined;
  }

  /** Keeps an app for the next start, in place of one that was kept before. The function it gives lets go of it. */
  async prepare(built: BuiltApp): Promise<() => Promise<void>> {
    const before = this.#prepared;
    // Before the other one is closed: a start that comes meanwhile takes the newer one.
    this.#prepared = built;
    await this.#release(before?.app);
    return async () => {
      if (this.#prepared !== built) return;
      this.#prepared = undefined;
      await this.#release(built.app);
    };
  }

  /** What was prepared, once. */
  takePrepared(): BuiltApp | undefined {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    return prepared;
  }

  /** Builds an app in the place of the one that is there. Rejects with what `build` did only when there is none. */
  async renew(build: () => Promise<LoadedApp>): Promise<LoadedApp> {
    const old = this.#app;
    try {
      this.#app = await build();
    } catch (error) {
      if (old === undefined) throw error;
      this.#log.error(`${this.#name} keeps the app it has: ${describeError(error)}`);
      return old;
    }
    await this.#release(old);
    return this.#app;
  }

  /** Lets go of what the app's factories acquired. */
  async close(): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    await this.#release(app);
  }

  async #release(app: LoadedApp | undefined): Promise<void> {
    await app?.close().catch((error: unknown) => this.#log.error('closing the app failed', { err: error }));
  }
}

/** What is built, where its app comes from when not from the paste file, and what counts for it. */
export interface ApiBuild {
  readonly pipeline: string;
  readonly log: Logger;
  readonly loader: AppLoader | undefined;
  readonly meter: ApiMeter;
}

/** The app and its loader. All workers build the same one: what filters warn of meanwhile, the first worker says. */
export async function buildApiApp(
  name: string,
  config: Config,
  { pipeline, log, loader: own, meter }: ApiBuild,
): Promise<BuiltApp> {
  const building = buildLog(log);
  const loader = own ?? pasteLoader(config, building.log, name);
  const aroundFilters = bothProbes(filterSpans(config), meter.probes(config));
  const connect = () => meter.remote.connect(config);
  const app = await loadWhole(loader, pipeline, { aroundFilters, connect }).finally(building.over);
  try {
    refuseUnknown(config, name);
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, loader };
}

/** The app, built. When the file is refused the error has everything that is wrong with it, not what came first. */
async function loadWhole(loader: AppLoader, name: string, options: CreateOptions): Promise<LoadedApp> {
  try {
    // A Loader puts places round the innermost apps; of another loader's app the server counts the whole.
    if (!(loader instanceof Loader)) return await loader.loadApp(name);
    return takesOwnSlot(await loader.loadApp(name, { aroundApp: withSlot, ...options }));
  } catch (error) {
    if (!(error instanceof ConfigurationRefused) || !(loader instanceof Loader)) throw error;
    const findings = await loader.check({ names: [name] }).catch(() => []);
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length < 2) throw error;
    throw new ConfigurationRefused(error.code, { diagnostics: errors, cause: error });
  }
}

/** How long loading may still take once a stop has ended the start: nothing else was begun yet. */
const ABORTED_MS = 500;

/** The app; rejects with the signal's reason soon after that is raised, and then closes the app should it come later. */
export async function loadedUnlessAborted(loading: Promise<LoadedApp>, signal: AbortSignal): Promise<LoadedApp> {
  let timer: NodeJS.Timeout | undefined;
  let raised = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    raised = () => {
      timer = setTimeout(() => resolve(undefined), ABORTED_MS);
    };
    if (signal.aborted) raised();
    else signal.addEventListener('abort', raised, { once: true });
  });
  try {
    const app = await Promise.race([loading, aborted]);
    if (app !== undefined) return app;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', raised);
  }
  loading.then((app) => app.close()).catch(() => undefined);
  throw signal.reason;
}
