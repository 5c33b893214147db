/** Collects the refusals of the parts of pipelines and composites. */
import type { SectionLoader } from '../app/index.js';
import { type ConfigurationRefused, Refusals } from '../errors/index.js';
import { PasteError, PasteLimit } from './paste-error.js';

/** Time in ms for other parts after one has failed, because a part that waits must not delay the report of the failure. */
const MORE_MS = 2000;

/** Ends a creation some time after a failure that is held until other parts are created. */
export class Patience {
  /** Rejects with all failures held at that time. */
  readonly over: Promise<never>;
  isOver = false;
  #end!: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #kept: readonly ConfigurationRefused[] = [];

  constructor() {
    this.over = new Promise((_resolve, reject) => {
      this.#end = reject;
    });
    this.over.catch(() => {});
  }

  keep(error: ConfigurationRefused): void {
    this.#kept = [...this.#kept, error];
    this.#timer ??= setTimeout(() => {
      this.isOver = true;
      this.#end(together(this.#kept));
    }, MORE_MS);
  }

  /** Removes errors that are thrown now, because the caller may continue without these parts. */
  release(errors: readonly ConfigurationRefused[]): void {
    this.#kept = this.#kept.filter((each) => !errors.includes(each));
    if (this.#kept.length === 0) this.stop();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Thrown for a part that cannot be created: the error that the load has found there is thrown with the whole. */
export const NOT_CREATED = new Error('a part cannot be created');

/** Like {@link Refusals}, but a limit of the Loader ends the load. */
export class PartRefusals extends Refusals {
  readonly #patience: Patience | undefined;
  #lacksPart = false;

  constructor(patience?: Patience) {
    super();
    this.#patience = patience;
  }

  override note(error: unknown): void {
    if (error instanceof PasteLimit) throw error;
    this.#lacksPart ||= error === NOT_CREATED;
    if (error === NOT_CREATED) return;
    super.note(error);
    this.#patience?.keep(error as ConfigurationRefused);
  }

  /** The first refusal, as in PasteDeploy, with the others attached. */
  override get refusal(): ConfigurationRefused | undefined {
    return this.any ? together(this.all) : undefined;
  }

  override refuse(): void {
    this.#patience?.release(this.all);
    super.refuse();
    if (this.#lacksPart) throw NOT_CREATED;
  }
}

/** A loader of Portico's composites that collects the refusals of their children. */
export interface GathersParts {
  gatherParts(): PartRefusals;
}

/** Returns the collector of refusals of a composite's children. */
export function partsOf(loader: SectionLoader): PartRefusals {
  return (loader as Partial<GathersParts>).gatherParts?.() ?? new PartRefusals();
}

function together([first, ...others]: readonly ConfigurationRefused[]): ConfigurationRefused {
  if (others.length === 0) return first!;
  if (first instanceof PasteError) return first.with({ others: [...first.others, ...others] });
  const refusals = new Refusals();
  for (const each of [first!, ...others]) refusals.note(each);
  return refusals.refusal!;
}
