/** Token buckets of all machines, and those of this one while their store is away. */
import { type FactoryContext, Fault } from '../app/index.js';
import { ConfigurationRefused, errorText, nearestOrAll, type Origin } from '../errors/index.js';
import { Throttle } from '../log/internal.js';
import { addTrouble, extensionsOf, type RateStore, type SharedRule, type Taken } from '../service/internal.js';
import { systemClock } from '../tasks/internal.js';
import { maskUris } from '../text/index.js';
import { refusalAt } from './refusal-at.js';

/** Time for which a store that failed is not asked; then one request tries it. */
const AWAY_MS = 1000;
/** Scheme of a URL. A text without one may be a URL with a password, in which slashes were forgotten. */
const SCHEME = /^[a-z][a-z0-9+.-]*(?=:\/\/)/i;

/** Options of rate_limit for its store. */
interface StoreOptions {
  readonly store: string;
  readonly timeout: number;
  readonly onFailure: 'local' | 'refuse';
}

export class StoredBuckets {
  readonly #store: RateStore;
  readonly #ctx: FactoryContext;
  readonly #refuses: boolean;
  readonly #shown: string;
  readonly #told = new Throttle(60_000);
  #askAt = 0;
  #failure: string | undefined;

  private constructor(store: RateStore, { store: url, onFailure }: StoreOptions, ctx: FactoryContext) {
    this.#store = store;
    this.#ctx = ctx;
    this.#refuses = onFailure === 'refuse';
    this.#shown = maskUris(url);
    ctx.onClose(addTrouble(ctx.config, () => this.#failure));
    ctx.onClose(() => store.close());
  }

  /** Opens the store of a URL. Throws a `ConfigurationRefused` at `origin` if it has no scheme, or no extension has it, or cannot open it. */
  static async open(options: StoreOptions, ctx: FactoryContext, origin: Origin): Promise<StoredBuckets> {
    const { store: url, timeout: timeoutMs } = options;
    const stores = Object.assign({}, ...(await extensionsOf(ctx.config)).map(({ provides }) => provides?.rateStores));
    const [scheme] = SCHEME.exec(url) ?? [];
    if (scheme === undefined) {
      throw new ConfigurationRefused('PORTICO_RATE_STORE', {
        message: 'the URL of the store of rate limits cannot be read: it has no scheme',
        hint: 'Write redis://user:password@host:6379/0.',
        origin,
      });
    }
    if (!Object.hasOwn(stores, scheme)) {
      throw new ConfigurationRefused('PORTICO_RATE_STORE', {
        message: `there is no store ${scheme}:// of rate limits`,
        hint: nearestOrAll(scheme, Object.keys(stores)),
        origin,
      });
    }
    const { log, isTrial, service = '' } = ctx;
    try {
      const open = await stores[scheme]();
      const store = await open(url, { name: service, timeoutMs, log, connects: !isTrial });
      return new StoredBuckets(store, options, ctx);
    } catch (error) {
      throw refusalAt(error, origin);
    }
  }

  /** Takes a token; `local` takes it from the buckets of this machine. */
  async take(rule: SharedRule, key: string, patienceMs: number, local: () => Promise<Taken> | Taken): Promise<Taken> {
    const now = systemClock.now();
    if (this.#failure !== undefined) {
      if (now < this.#askAt) return this.#without(local);
      // Others do not wait for the attempt of this request.
      this.#askAt = now + AWAY_MS;
    }
    try {
      const taken = await this.#store.take(rule, key, patienceMs);
      if (this.#failure !== undefined) this.#ctx.log.notice(`${this.#shown} counts the rate limits again`);
      this.#failure = undefined;
      return taken;
    } catch (error) {
      this.#failed(errorText(error));
      return this.#without(local);
    }
  }

  #failed(reason: string): void {
    this.#askAt = systemClock.now() + AWAY_MS;
    const now = this.#refuses ? 'requests with a limit get 503' : 'each machine limits by itself';
    this.#failure = `${this.#shown}, the store of ${this.#ctx.section.name}, fails: ${reason}; ${now}`;
    this.#told.tell(() => this.#ctx.log.warn({ reason }, this.#failure!));
  }

  #without(local: () => Promise<Taken> | Taken): Promise<Taken> | Taken {
    if (!this.#refuses) return local();
    throw new Fault(503, { message: 'Rate limits cannot be checked now.', headers: { 'retry-after': '1' } });
  }
}
