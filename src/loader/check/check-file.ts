/**
 * `check`: every error of a paste file and of the files it includes. Modules are imported; factories that allow a trial are called and
 * their resources released, and no others are called.
 *
 * The meaning of a section depends on the sections that use it (`get` reads values that an outer section sets), so the file is loaded
 * from the apps that no other section mentions; sections that these do not reach are checked alone.
 */
import { bundledParts } from '../filter-order.js';
import { Load, type LoadParts } from '../load.js';
import type { Context } from '../load-context.js';
import { definedBy, mentionedNames, rootsOf } from '../section.js';
import { Walk } from '../walk.js';

/** Options of a check. */
export interface CheckOptions {
  /** False locates modules without importing them, so their exports are unknown. Default true. */
  readonly import?: boolean | undefined;
  /** Only sections that these apps reach. Default: all sections. */
  readonly names?: readonly string[] | undefined;
  /** With `names`: reports the other sections too, as warnings. */
  readonly others?: boolean | undefined;
  /** False calls no factory, not even one that allows a trial; `bundled`: of those only Portico's. Default true. */
  readonly trial?: boolean | 'bundled' | undefined;
}

/**
 * Walks over a file without creating anything, and finds all errors and suspicious lines. `after`: walks that have been made; what they
 * have visited is left out, and the rest gives warnings.
 */
export async function checkPaste(
  parts: LoadParts,
  {
    import: imports = true,
    trial = true,
    after,
    names = after && [],
    others = names === undefined || after !== undefined,
  }: CheckOptions & After,
): Promise<Walk> {
  const load = new Load(parts, imports);
  const walk = new Walk(load, parts);
  const { findings } = load;
  try {
    for (const { load: before, unchosen } of after ?? []) {
      load.after(before);
      walk.unchosen.push(...unchosen);
    }
    load.open();
    const roots = rootsOf(parts.document);
    const asked = names?.map((name) => ({ kind: 'app' as const, name })) ?? roots;
    for (const { kind, name } of asked) await meet(walk, load.context(kind, name), true);
    // Apps that the configuration does not choose are not built, so their errors prevent no start.
    findings.harmless = 'unchosen';
    for (let each = walk.unchosen.shift(); each !== undefined; each = walk.unchosen.shift())
      await walk.follow(each, false);
    findings.harmless = false;
    if (trial !== false) await walk.try(trial === 'bundled' ? await bundledParts() : undefined);
    findings.harmless = names === undefined ? false : 'unreached';
    if (!others) return walk;
    for (const { kind, name } of roots)
      if (!load.asked.has(`${kind} ${name}`)) await meet(walk, load.context(kind, name));
    await walkAlone(walk);
  } catch (error) {
    load.ended(error);
  }
  return walk;
}

function meet(walk: Walk, context: Context, entered = false): Promise<void> {
  return context.kind === 'server' ? walk.server(context) : walk.validate(context, entered);
}

/** Walks that have been over a file before. */
export interface After {
  readonly after?: readonly Walk[] | undefined;
}

/** Walks over the sections that the roots do not reach, in this file and in those it includes. */
async function walkAlone(walk: Walk): Promise<void> {
  const { load } = walk;
  const main = walk.parts.document;
  load.alone = true;
  // Most files have no section that nothing reaches.
  let mentioned: ReadonlySet<string> | undefined;
  for (const source of load.sources.values()) {
    for (const section of source.document.sections.values()) {
      const defined = definedBy(section);
      if (defined === undefined || load.entered.has(section)) continue;
      mentioned ??= mentionedNames(main);
      const unused = defined.kind === 'filter' && source.document === main && !mentioned.has(defined.name);
      if (unused) load.findings.unused(defined.name, section.origin);
      await meet(walk, load.within(source, defined.kind, defined.name));
    }
  }
}
