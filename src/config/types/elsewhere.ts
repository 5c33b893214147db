/**
 * Options that other programs have too: in a section of another name, beside names that have no effect here.
 */
import type { OptionDeclarations } from './option.js';

/** Forms in which other programs write the options of a group. */
export interface Elsewhere {
  /** A section that may have the options too, by aliases; its names are checked like those of the group. */
  readonly section?: string;
  /** Names of other programs that have no effect here, each with a hint; each use causes a warning. */
  readonly unused?: Readonly<Record<string, string>>;
  /** Names that other programs have for these options, each with the hint for an unknown option. */
  readonly meant?: Readonly<Record<string, string>>;
}

const known = new WeakMap<OptionDeclarations, Elsewhere>();

/** Records how other programs write these options; returns them. */
export function writtenElsewhere<D extends OptionDeclarations>(options: D, elsewhere: Elsewhere): D {
  known.set(options, elsewhere);
  return options;
}

/** Returns the record of {@link writtenElsewhere} for these options. */
export function elsewhereOf(options: OptionDeclarations): Elsewhere | undefined {
  return known.get(options);
}

/** Returns the hint for a name of other programs: without effect, or of an option that has another name here. */
export function adviceIn(known: Elsewhere | undefined, kind: 'unused' | 'meant', opt: string): string | undefined {
  const names = known?.[kind] ?? {};
  return Object.hasOwn(names, opt) ? names[opt] : undefined;
}
