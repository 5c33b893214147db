/**
 * How a composite tells what it would ask its loader for, so that a file can be shown and checked without calling it.
 */
import type { Conf, FactoryContext } from '../../app/index.js';
import type { PasteError } from '../paste-error.js';
import type { Kind } from '../section.js';

/** One reference a composite will follow. */
export interface AskedChild {
  readonly get: Kind;
  /** The reference. */
  readonly name: string;
  /** The option it is in. */
  readonly option: string;
  /** Whether the child gets the composite's global_conf, or only its file's. */
  readonly inherits: boolean;
}

/** Something about a composite's options that is not wrong, but not what it looks like. */
export interface CompositeWarning {
  readonly code: string;
  /** The option it is about. */
  readonly option: string;
  readonly message: string;
  readonly hint?: string;
}

/** A composite factory that can tell its children. Factories without this are shown without them. */
export interface TellsChildren {
  /** The children it would ask for, in that order. */
  readonly children: (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => readonly AskedChild[];
  /** The references it may ask for under any configuration. Default: its children. */
  readonly references?: (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => readonly AskedChild[];
  /** Mistakes in its own options. Default: none. */
  readonly problems?: (localConf: Conf, ctx: FactoryContext) => readonly PasteError[];
  /** Suspicious values of its own options. Default: none. */
  readonly warnings?: (localConf: Conf) => readonly CompositeWarning[];
}

/** The factory, if it is a composite that can tell its children. */
export function tellsChildren(factory: unknown): TellsChildren | undefined {
  const candidate = factory as Partial<TellsChildren> | undefined;
  return typeof factory === 'function' && typeof candidate?.children === 'function'
    ? (factory as unknown as TellsChildren)
    : undefined;
}

/** Every error that `checks` throw, in order. */
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
