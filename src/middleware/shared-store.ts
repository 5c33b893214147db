/** A store that machines share, as a filter uses it: opened by the scheme of its URL, not asked for a while after it was slow, told in status. */
import type { FactoryContext } from '../app/index.js';
import { isSet } from '../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  errorText,
  locationInFile,
  nearestOrAll,
  type Origin,
} from '../errors/index.js';
import { Throttle } from '../log/internal.js';
import type { Provides } from '../service/index.js';
import { addTrouble, extensionsOf, type StoresByScheme } from '../service/internal.js';
import { systemClock } from '../tasks/internal.js';
import { maskUris } from '../text/index.js';
import { refusalAt } from './refusal-at.js';

/** Time for which a slow store is not asked; then one request tries it. Also the time without failures after which a store is well. */
const AWAY_MS = 1000;

/** The use of a store by a filter, with words for its messages. */
export interface StoreUse<T> {
  readonly among: (provides: Provides) => StoresByScheme<T> | undefined;
  /** Things that it keeps: `rate limits`. */
  readonly kept: string;
  /** Its work when it is back: `counts the rate limits again`. */
  readonly again: string;
  /** The effect while it fails: `each machine limits by itself`. */
  readonly without: string;
}

/** Refuses options of a store that has a URL in a filter without one: they would have no effect. */
export function refuseWithoutUrl({ section, config }: FactoryContext, group: string): void {
  const diagnostics = ['timeout', 'on_failure'].flatMap((option): readonly Diagnostic[] => {
    const own = section.options.get(option);
    if (own === undefined && !isSet(config, group, option)) return [];
    const location = own === undefined ? config.getLocation(group, option) : own.origin && locationInFile(own.origin);
    const where = { location, section: own === undefined ? group : (own.origin?.section ?? section.name), option };
    const message = 'has no effect: store is no URL';
    const hint = 'Remove it, or write the URL of a store, such as redis://host:6379/0.';
    return [{ severity: 'error', code: 'PORTICO_CONFIG_CHECK', ...where, message, hint }];
  });
  if (diagnostics.length > 0) throw new ConfigurationRefused('PORTICO_CONFIG_CHECK', { diagnostics });
}

export class SharedStore<T> {
  readonly #store: T;
  readonly #use: StoreUse<T>;
  readonly #ctx: FactoryContext;
  readonly #timeoutMs: number;
  readonly #shown: string;
  readonly #told = new Throttle(60_000);
  #restsUntil = 0;
  #failedAt = 0;
  #failure: string | undefined;
  #isTold = false;

  private constructor(store: T & { close(): void }, use: StoreUse<T>, url: string, ms: number, ctx: FactoryContext) {
    this.#store = store;
    this.#use = use;
    this.#ctx = ctx;
    this.#timeoutMs = ms;
    this.#shown = maskUris(url);
    ctx.onClose(addTrouble(ctx.config, () => this.#failure));
    ctx.onClose(() => store.close());
  }

  /**
   * Opens the store of a URL; undefined for a text without a scheme, which may still be one with a password. Throws a
   * `ConfigurationRefused` at `origin` if no extension has the scheme, or it cannot open the store.
   */
  static async open<T>(
    use: StoreUse<T>,
    { store: url, timeout: timeoutMs }: { readonly store: string; readonly timeout: number },
    ctx: FactoryContext,
    origin: Origin,
  ): Promise<SharedStore<T> | undefined> {
    const provided = (await extensionsOf(ctx.config)).map(({ provides }) => provides && use.among(provides));
    const stores = Object.assign({}, ...provided) as StoresByScheme<T>;
    const known = Object.keys(stores);
    const scheme =
      /^[a-z][a-z0-9+.-]*(?=:\/\/)/i.exec(url)?.[0] ??
      known.find((each) => url.startsWith(`${each}:`) || url.startsWith(`${each}//`));
    if (scheme === undefined) return undefined;
    if (!Object.hasOwn(stores, scheme)) {
      throw new ConfigurationRefused('PORTICO_STORE', {
        message: `there is no store ${scheme}:// of ${use.kept}`,
        hint: nearestOrAll(scheme, known),
        origin,
      });
    }
    const { log, isTrial, service = '' } = ctx;
    try {
      const open = await stores[scheme]!();
      let shared: SharedStore<T> | undefined;
      let early: string | undefined;
      const tellConnection = (reason: string | undefined): void => {
        early = reason;
        if (shared !== undefined) shared.#connection(reason);
      };
      const store = await open(url, { name: service, timeoutMs, log, connects: !isTrial, tellConnection });
      shared = new SharedStore(store, use, url, timeoutMs, ctx);
      if (early !== undefined) shared.#connection(early);
      return shared;
    } catch (error) {
      throw refusalAt(error, origin);
    }
  }

  /** Asks the store. Rejects at once while it rests because it was slow. */
  async ask<R>(question: (store: T) => Promise<R>): Promise<R> {
    const begun = systemClock.now();
    if (begun < this.#restsUntil) throw new Error(this.#failure);
    // Others do not wait for the attempt of this request.
    if (this.#restsUntil > 0) this.#restsUntil = begun + AWAY_MS;
    try {
      const answer = await question(this.#store);
      this.#answered();
      return answer;
    } catch (error) {
      const now = systemClock.now();
      this.#failed(errorText(error), now);
      this.#restsUntil = now - begun < this.#timeoutMs ? 0 : now + AWAY_MS;
      throw error;
    }
  }

  #connection(reason: string | undefined): void {
    if (reason === undefined) this.#recovered();
    else this.#failed(reason, systemClock.now());
  }

  #answered(): void {
    this.#restsUntil = 0;
    // A store that does some of what it is asked, as a full one, is not well in between.
    if (systemClock.now() >= this.#failedAt + AWAY_MS) this.#recovered();
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    if (this.#isTold) this.#ctx.log.notice(`${this.#shown} ${this.#use.again}`);
    this.#isTold = false;
  }

  #failed(reason: string, now: number): void {
    this.#failedAt = now;
    this.#failure = `${this.#shown}, the store of ${this.#ctx.section.name}, fails: ${reason}; ${this.#use.without}`;
    this.#told.tell(() => {
      this.#isTold = true;
      this.#ctx.log.warn({ reason }, this.#failure!);
    });
  }
}
