/** A store that machines share, for a filter: opened by the scheme of its URL, left alone for a while after it was slow and reported in status. */
import { dirname } from 'node:path';
import { isSet } from '../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  errorText,
  locationInFile,
  nearestOrAll,
  type Origin,
  refusalAt,
} from '../errors/index.js';
import { Throttle } from '../log/internal.js';
import { parseExportReference } from '../modules/index.js';
import type { Provides } from '../service/index.js';
import { addTrouble, Drivers, extensionsOf, type StoresByScheme } from '../service/internal.js';
import { systemClock, within } from '../tasks/internal.js';
import { maskUris } from '../text/index.js';
import { type FactoryContext, optionOrigin } from './factory.js';

/** Time for which a slow store is not asked; then one request tries it. Also the time without failures after which a store is well. */
const AWAY_MS = 1000;

const LATE = Symbol('no response');

/** The use of a store by a filter, with words for its messages. */
export interface StoreUse<T> {
  /** Group of its options `store`, `timeout` and `on_failure`. */
  readonly group: string;
  /** Stores of extensions, by the scheme of their URLs. */
  readonly part: keyof Provides;
  /** Methods of an object of a module, which the option may name too: `./store.js:sessions`. Undefined: it names a URL only. */
  readonly methods?: readonly (string & keyof T)[];
  /** Things that it keeps: `rate limits`. */
  readonly kept: string;
  /** Its work when it is back: `counts the rate limits again`. */
  readonly again: string;
  /** The effect while it fails: `each machine limits by itself`. */
  readonly without: string;
}

/** A store that is open. */
export interface OpenedStore<T> {
  /** Whether machines share it: a store of a URL. Otherwise it is an object of a module, which knows itself what to do when it fails. */
  readonly isShared: boolean;
  /** Asks the store. Rejects at once while it rests because it was slow. */
  ask<R>(question: (store: T) => Promise<R>): Promise<R>;
}

/**
 * Opens the store that the option `store` of a filter names, and closes it with the app; undefined without one. Rejects with a
 * `ConfigurationRefused` at an option: of `store` if it cannot be opened, of `timeout` and `on_failure` if they have no effect.
 */
export async function openSharedStore<T extends object>(
  use: StoreUse<T>,
  { store: named, timeout }: { readonly store: string | undefined; readonly timeout: number },
  ctx: FactoryContext,
): Promise<OpenedStore<T> | undefined> {
  if (named === undefined) {
    refuseWithoutUrl(ctx, use.group);
    return undefined;
  }
  const origin = optionOrigin(ctx, use.group, 'store');
  const shared = await SharedStore.open(use, named, timeout, ctx, origin);
  if (shared !== undefined) return shared;
  if (use.methods === undefined || !namesModule(named)) {
    const url = 'redis://user:password@host:6379/0';
    const [message, hint] =
      use.methods === undefined
        ? ['the URL of the store cannot be read: it has no scheme', `Write ${url}.`]
        : ['the store is neither a URL nor a module', `Write ${url}, ./store.js:export, or package/path:export.`];
    throw new ConfigurationRefused('PORTICO_STORE', { message, hint, origin });
  }
  refuseWithoutUrl(ctx, use.group);
  const drivers = new Drivers({ folder: dirname(ctx.section.origin.file), log: ctx.log });
  const store = await drivers.load<T>(named, { required: use.methods }).catch((error: unknown) => {
    throw refusalAt(error, origin);
  });
  ctx.onClose(() => drivers.close());
  return { isShared: false, ask: (question) => question(store) };
}

/** Reports whether a text can be the name of a module: what else it may be, such as a URL without its scheme, has a password. */
function namesModule(text: string): boolean {
  const module = parseExportReference(text)?.module ?? '';
  const isFile = /^\.{0,2}\/(?!\/)/.test(module);
  return isFile ? !/:.*@/.test(module) : /^#?(?:@[\w.~-]+\/)?[\w.~-]+(?:\/[\w.~-]+)*$/.test(module);
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

class SharedStore<T> implements OpenedStore<T> {
  readonly isShared = true;
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
    url: string,
    timeoutMs: number,
    ctx: FactoryContext,
    origin: Origin,
  ): Promise<SharedStore<T> | undefined> {
    const providing = await extensionsOf(ctx.config, { providing: use.part });
    const stores = Object.assign({}, ...providing.map(({ provides }) => provides?.[use.part])) as StoresByScheme<T>;
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

  async ask<R>(question: (store: T) => Promise<R>): Promise<R> {
    const begun = systemClock.now();
    if (begun < this.#restsUntil) throw new Error(this.#failure);
    // Others do not wait for the attempt of this request.
    if (this.#restsUntil > 0) this.#restsUntil = begun + AWAY_MS;
    try {
      const answer = await this.#inTime(question(this.#store));
      this.#answered();
      return answer;
    } catch (error) {
      const now = systemClock.now();
      this.#failed(errorText(error), now);
      this.#restsUntil = now - begun < this.#timeoutMs ? 0 : now + AWAY_MS;
      throw error;
    }
  }

  /** A store of an extension may never respond. Rejects then, a turn after a store that keeps the time itself and knows more. */
  async #inTime<R>(asked: Promise<R>): Promise<R> {
    const late = await within(asked, this.#timeoutMs, () => LATE);
    const answer = late === LATE ? await within(asked, 0, () => LATE) : late;
    if (answer !== LATE) return answer as R;
    throw new Error(`no response within ${this.#timeoutMs} ms`);
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
