/**
 * The way from a composite to a child it asks for.
 */
import type { Context, ReferenceOrigin, Trail } from './context.js';
import type { Kind } from './section.js';
import { placeOf } from './source.js';

/**
 * The way to a child: the option of the composite that holds the reference, by value or as a word of a list. `option`
 * names it where it is known.
 */
export function childTrail(context: Context, kind: Kind, name: string | undefined, option?: string): Trail {
  const base = {
    parent: context.trail,
    depth: context.trail.depth + 1,
    kind,
    phase: {},
    root: true,
    include: context.trail.include,
  };
  if (name === undefined) return { ...base, reference: undefined };
  const place = () => placeOfChild(context, name, option);
  return { ...base, reference: { text: name, place, option: () => place().origin } };
}

/** Looked for only when it is needed: a composite may have thousands of options. */
function placeOfChild(context: Context, name: string, option: string | undefined): ReferenceOrigin {
  const known = option === undefined ? undefined : context.localConf.get(option);
  const settings = known === undefined ? [...context.localConf.values()] : [known];
  const whole = settings.find(({ value }) => value === name);
  if (whole !== undefined) return placeOf(whole);
  const listed = settings.find(({ value }) => wordStart(value, name) >= 0);
  if (listed !== undefined) return placeOf(listed, wordStart(listed.value, name));
  const origin = context.named.origin();
  return origin === undefined ? { origin, via: [] } : { origin, via: [] };
}

function wordStart(value: string, word: string): number {
  for (let at = value.indexOf(word); at >= 0; at = value.indexOf(word, at + 1)) {
    const before = value[at - 1] ?? ' ';
    const after = value[at + word.length] ?? ' ';
    if (/\s/.test(before) && /\s/.test(after)) return at;
  }
  return -1;
}
