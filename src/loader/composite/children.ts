/**
 * How a composite tells what it would ask its loader for, so that a file can be shown and checked without calling it.
 */
import type { Conf, FactoryContext } from '../../app/index.js';
import type { Kind } from '../section.js';

/** One reference a composite will follow. */
export interface AskedChild {
  readonly get: Kind;
  /** The reference. */
  readonly name: string;
  /** The option it stands in. */
  readonly option: string;
  /** Whether the child gets the composite's global_conf, or only its file's. */
  readonly inherits: boolean;
}

/** A composite factory that can tell its children. Factories without this are shown without them. */
export interface TellsChildren {
  /** In the order in which they are asked for. */
  readonly children: (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => readonly AskedChild[];
}
