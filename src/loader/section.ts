/** Sections of a paste file as written: by name and kind, and those that no other section mentions. */
import { type PasteDocument, type PasteSection, strip, wordsOf } from '../ini/index.js';

/** Kinds of objects that a Loader creates. */
export type Kind = 'app' | 'filter' | 'server';

/** Prefixes of section names by kind. Within a group the first prefix found hides the others. */
const PREFIXES: Readonly<Record<Kind, readonly (readonly string[])[]>> = {
  app: [['app', 'application'], ['composite', 'composit'], ['pipeline'], ['filter-app']],
  filter: [['filter']],
  server: [['server']],
};

/** Factory protocols by kind. Within a group the first one present wins. */
export const PROTOCOLS: Readonly<Record<Kind, readonly (readonly string[])[]>> = {
  app: [['paste.app_factory'], ['paste.composite_factory'], ['paste.composit_factory']],
  filter: [['paste.filter_factory', 'paste.filter_app_factory']],
  server: [['paste.server_factory', 'paste.server_runner']],
};

/** The kinds with their article. */
export const A_KIND: Readonly<Record<Kind, string>> = { app: 'an app', filter: 'a filter', server: 'a server' };

/** The kind of each prefix. */
export const KIND_OF: ReadonlyMap<string, Kind> = new Map(
  (Object.keys(PREFIXES) as Kind[]).flatMap((kind) => PREFIXES[kind].flat().map((prefix) => [prefix, kind] as const)),
);

interface HeaderParts {
  readonly prefix: string;
  /** Undefined for a header without a colon. */
  readonly name: string | undefined;
}

export function headerParts(header: string): HeaderParts {
  const colon = header.indexOf(':');
  return colon < 0
    ? { prefix: header, name: undefined }
    : { prefix: header.slice(0, colon), name: strip(header.slice(colon + 1)) };
}

/** Returns a prefix without blanks and in lower case. PasteDeploy accepts neither blanks nor capitals. */
export function meantPrefix(prefix: string): string {
  return strip(prefix).toLowerCase();
}

/** Returns the definition in a section; undefined for sections that PasteDeploy ignores. */
export function definedBy(section: PasteSection): { kind: Kind; prefix: string; name: string } | undefined {
  const { prefix, name } = headerParts(section.name);
  const kind = KIND_OF.get(prefix);
  return kind === undefined || name === undefined ? undefined : { kind, prefix, name };
}

/** Reports whether PasteDeploy reads a section of that name: `app:main`, or `app` alone. */
export function isPasteSection(name: string): boolean {
  return KIND_OF.has(headerParts(name).prefix);
}

/**
 * Returns all sections that define `name`; exactly one is right. Without a name: `main`, or a section that is only its prefix. Names are
 * compared exactly, except for white space around the part after the colon.
 */
export function sectionsNamed(document: PasteDocument, kind: Kind, name: string | undefined): PasteSection[] {
  const defined = definitionsIn(document);
  const bare = name === undefined ? (defined.get(name) ?? []) : [];
  const named = [...bare, ...(defined.get(name ?? 'main') ?? [])];
  return PREFIXES[kind].flatMap((group) => {
    const first = group.find((prefix) => named.some((each) => each.prefix === prefix));
    return named.flatMap(({ prefix, section }) => (prefix === first ? section : []));
  });
}

/** A section that defines something. */
interface Definition {
  readonly prefix: string;
  readonly section: PasteSection;
}

/** Returns what sections define by name, undefined for a bare prefix, cached per document: 10,000 lookups in 10,000 sections stay cheap. */
function definitionsIn(document: PasteDocument): ReadonlyMap<string | undefined, readonly Definition[]> {
  const known = BY_NAME.get(document);
  if (known !== undefined) return known;
  const byName = new Map<string | undefined, Definition[]>();
  for (const section of document.sections.values()) {
    const { prefix, name } = headerParts(section.name);
    if (!KIND_OF.has(prefix)) continue;
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [{ prefix, section }]);
    else same.push({ prefix, section });
  }
  BY_NAME.set(document, byName);
  return byName;
}

const BY_NAME = new WeakMap<PasteDocument, ReadonlyMap<string | undefined, readonly Definition[]>>();

/** Returns the names of a kind, in file order. */
export function namesOf(document: PasteDocument, kind: Kind): string[] {
  const defined = [...document.sections.values()].map(definedBy);
  return [...new Set(defined.flatMap((each) => (each?.kind === kind ? each.name : [])))];
}

/** Returns the apps and servers that no other section mentions, in file order. */
export function rootsOf(document: PasteDocument): { kind: Kind; name: string }[] {
  const mentioned = mentionedNames(document);
  return (['app', 'server'] as const).flatMap((kind) =>
    namesOf(document, kind)
      .filter((name) => !mentioned.has(name))
      .map((name) => ({ kind, name })),
  );
}

/** Returns every word of every value, because each may refer to a section. */
export function mentionedNames(document: PasteDocument): ReadonlySet<string> {
  const names = new Set<string>();
  for (const section of document.sections.values()) {
    const own = definedBy(section)?.name;
    for (const option of section.options.values()) {
      for (const { text } of wordsOf(option.value)) if (text !== own || option.name !== 'use') names.add(text);
      names.add(option.value);
    }
  }
  return names;
}
