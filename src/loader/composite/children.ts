/** The children that a composite reports, so that a file can be shown and checked without calling its factory. */
import type { Conf, FactoryContext } from '../../app/index.js';
import type { PasteError } from '../paste-error.js';
import type { Kind } from '../section.js';

/** One reference that a composite will follow. */
export interface AskedChild {
  readonly get: Kind;
  /** The reference. */
  readonly name: string;
  /** The option that contains it. */
  readonly option: string;
  /** True if the child gets the composite's global_conf, false if only its file's. */
  readonly inherits: boolean;
}

/** A suspicious but valid option of a composite. */
export interface CompositeWarning {
  readonly code: string;
  /** The option concerned. */
  readonly option: string;
  readonly message: string;
  readonly hint?: string;
}

/** A composite factory that reports its children. Other composites are shown without children. */
export interface TellsChildren {
  /** Returns the children that it would request, in that order. */
  readonly children: (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => readonly AskedChild[];
  /** Returns the references that it may follow under any configuration. Default: its children. */
  readonly references?: (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => readonly AskedChild[];
  /** Returns the errors in its options. Default: none. */
  readonly problems?: (localConf: Conf, ctx: FactoryContext) => readonly PasteError[];
  /** Returns warnings of suspicious options. Default: none. */
  readonly warnings?: (localConf: Conf) => readonly CompositeWarning[];
}

/** Returns the factory if it is a composite that reports its children. */
export function tellsChildren(factory: unknown): TellsChildren | undefined {
  const candidate = factory as Partial<TellsChildren> | undefined;
  return typeof factory === 'function' && typeof candidate?.children === 'function'
    ? (factory as unknown as TellsChildren)
    : undefined;
}

/** Returns every error that `checks` throw, in order. */
export function refusalsOf(checks: Iterable<() => unknown>): PasteError[] {
  const refusals: PasteError[] = [];
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      refusals.push(error as PasteError);
    }
  }
  return refusals;
}
