/**
 * The app of an API over its restarts: the next one is built whole before the present one is closed, and the present one
 * goes on if that fails.
 */
import { describeError } from '../../errors/index.js';
import type { LoadedApp } from '../../loader/index.js';
import type { Logger } from '../../log/index.js';
import type { AppLoader } from './paste-config.js';

/** An app, and the loader it came from. */
export interface BuiltApp {
  readonly app: LoadedApp;
  readonly loader: AppLoader;
}

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
