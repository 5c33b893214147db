/**
 * Where a file begins: the apps and servers that nothing else in it mentions, which a program asks for by name.
 */
import { type PasteDocument, wordsOf } from '../ini/index.js';
import { definedBy, type Kind, namesOf } from './section.js';

/** The apps and servers that no other section mentions, in file order. */
export function rootsOf(document: PasteDocument): { kind: Kind; name: string }[] {
  const mentioned = mentionedNames(document);
  return (['app', 'server'] as const).flatMap((kind) =>
    namesOf(document, kind)
      .filter((name) => !mentioned.has(name))
      .map((name) => ({ kind, name })),
  );
}

/** Every word of every value: a section of that name may be led to. */
export function mentionedNames(document: PasteDocument): ReadonlySet<string> {
  const known = MENTIONED.get(document);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const section of document.sections.values()) {
    const own = definedBy(section)?.name;
    for (const option of section.options.values()) {
      for (const { text } of wordsOf(option.value)) if (text !== own || option.name !== 'use') names.add(text);
      names.add(option.value);
    }
  }
  MENTIONED.set(document, names);
  return names;
}

const MENTIONED = new WeakMap<PasteDocument, ReadonlySet<string>>();
