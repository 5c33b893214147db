/**
 * Gathers what the parts of pipelines and composites refuse.
 */
import type { SectionLoader } from '../app/index.js';
import { type ConfigurationRefused, Refusals } from '../errors/index.js';
import { isLimit } from './limits.js';
import { PasteError } from './paste-error.js';

/** Time that other parts have after one has failed, in milliseconds: a part that waits must not keep back the failure. */
const MORE_MS = 2000;

/** Ends a creation some time after a failure that is kept until other parts are made. */
export class Patience {
  /** Rejects with all failures that are kept then. */
  readonly over: Promise<never>;
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
    this.#timer ??= setTimeout(() => this.#end(together(this.#kept)), MORE_MS);
  }

  /** To be called when they are thrown: the caller may go on without these parts. */
  release(errors: readonly ConfigurationRefused[]): void {
    this.#kept = this.#kept.filter((each) => !errors.includes(each));
    if (this.#kept.length === 0) this.stop();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** As {@link Refusals}; a limit of the Loader ends the load. */
export class PartRefusals extends Refusals {
  readonly #patience: Patience | undefined;

  constructor(patience?: Patience) {
    super();
    this.#patience = patience;
  }

  override note(error: unknown): void {
    if (isLimit(error)) throw error;
    super.note(error);
    this.#patience?.keep(error as ConfigurationRefused);
  }

  /** The first one, as PasteDeploy would tell it, with the others behind it. */
  override get refusal(): ConfigurationRefused | undefined {
    return this.any ? together(this.all) : undefined;
  }

  override refuse(): void {
    this.#patience?.release(this.all);
    super.refuse();
  }
}

/** A loader of composites that Portico ships: gathers the refusals of its children. */
export interface GathersParts {
  gatherParts(): PartRefusals;
}

/** Gathers the refusals of a composite's children. */
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
