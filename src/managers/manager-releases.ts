/**
 * Resources that managers acquired through their context, released after `cleanupHost`.
 */
import type { Logger } from '../log/index.js';
import type { Awaitable } from '../service/index.js';

type Release = () => Awaitable<void>;

export class ManagerReleases {
  readonly #log: Logger;
  #registered: Release[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  readonly add = (release: Release): void => void this.#registered.push(release);

  /** Runs each release once, the last registered first; logs those that fail. */
  async run(): Promise<void> {
    for (const release of this.#registered.splice(0).reverse()) {
      try {
        await release();
      } catch (err) {
        this.#log.error({ err }, 'a release of a manager failed');
      }
    }
  }
}
