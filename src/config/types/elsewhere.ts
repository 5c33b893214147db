/**
 * Options that programs elsewhere have too: in a section of another name, beside names that mean nothing here.
 */
import type { OptionDeclarations } from './option.js';

/** How other programs write the options of a group. */
export interface Elsewhere {
  /** A section in which the options may be just as well, by aliases; its names are judged as those of the group. */
  readonly section?: string;
  /** Names that other programs know and that have no effect here, and what to do; each use is a warning with it. */
  readonly unused?: Readonly<Record<string, string>>;
  /** Names that other programs have for options of these, each with the hint that an unknown option gets. */
  readonly meant?: Readonly<Record<string, string>>;
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

/** The remedy for a name that other programs know: without effect, or of an option that has another name here. */
export function adviceIn(known: Elsewhere | undefined, kind: 'unused' | 'meant', opt: string): string | undefined {
  const names = known?.[kind] ?? {};
  return Object.hasOwn(names, opt) ? names[opt] : undefined;
}
