/**
 * Options that programs elsewhere have too: in a section of another name, beside names that mean nothing here.
 */
import type { OptionDeclarations } from './option.js';

/** How other programs write the options of a group. */
export interface Elsewhere {
  /** A section in which the options may be just as well, by aliases; its names are judged as those of the group. */
  readonly section?: string;
  /** Names that other programs know and that have no effect here, and what to do; each use is a warning with it. */
  readonly unused: Readonly<Record<string, string>>;
}

const known = new WeakMap<OptionDeclarations, Elsewhere>();

/** Says how other programs write these options; gives them back. */
export function writtenElsewhere<D extends OptionDeclarations>(options: D, elsewhere: Elsewhere): D {
  known.set(options, elsewhere);
  return options;
}

/** Registration of these options with {@link writtenElsewhere}. */
export function elsewhereOf(options: OptionDeclarations): Elsewhere | undefined {
  return known.get(options);
}
