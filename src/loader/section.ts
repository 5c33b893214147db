/**
 * What the sections of a paste file define, as it is written: by name and kind, which nothing else mentions, and the
 * pipelines they list. Nothing is resolved.
 */
import { type PasteDocument, type PasteSection, strip, wordsOf } from '../ini/index.js';

/** What can be asked for. */
export type Kind = 'app' | 'filter' | 'server';

/** Prefixes of section names for each kind. Within a group the first prefix hides the others. */
const PREFIXES: Readonly<Record<Kind, readonly (readonly string[])[]>> = {
  app: [['app', 'application'], ['composite', 'composit'], ['pipeline'], ['filter-app']],
  filter: [['filter']],
  server: [['server']],
};

/** Factory protocols of each kind. Of those in one group the first that is given wins. */
export const PROTOCOLS: Readonly<Record<Kind, readonly (readonly string[])[]>> = {
  app: [['paste.app_factory'], ['paste.composite_factory'], ['paste.composit_factory']],
  filter: [['paste.filter_factory', 'paste.filter_app_factory']],
  server: [['paste.server_factory', 'paste.server_runner']],
};

/** `an app`, `a filter`, `a server`. */
export const A_KIND: Readonly<Record<Kind, string>> = { app: 'an app', filter: 'a filter', server: 'a server' };

/**
 * All sections that define `name`; exactly one is right. Without a name: `main`, or a section that is only its prefix.
 * Names are compared exactly, except for white space around the part after the colon.
 */
export function sectionsNamed(document: PasteDocument, kind: Kind, name: string | undefined): PasteSection[] {
  const named = indexOf(document).get(name ?? 'main') ?? NONE;
  const found: PasteSection[] = [];
  for (const group of PREFIXES[kind]) {
    for (const prefix of group) {
      const before = found.length;
      const bare = name === undefined ? document.sections.get(prefix) : undefined;
      if (bare !== undefined) found.push(bare);
      for (const candidate of named) if (candidate.prefix === prefix) found.push(candidate.section);
      if (found.length > before) break;
    }
  }
  return found;
}

/** What a section defines; undefined for sections that PasteDeploy does not look at. */
export function definedBy(section: PasteSection): { kind: Kind; prefix: string; name: string } | undefined {
  const colon = section.name.indexOf(':');
  const prefix = colon < 0 ? section.name : section.name.slice(0, colon);
  const kind = KIND_OF.get(prefix);
  if (kind === undefined || colon < 0) return undefined;
  return { kind, prefix, name: strip(section.name.slice(colon + 1)) };
}

/** Whether PasteDeploy looks at a section of that name: `app:main`, or `app` alone. */
export function isPasteSection(name: string): boolean {
  return KIND_OF.has(name.split(':', 1)[0]!);
}

/** The kind for each prefix. */
export const KIND_OF: ReadonlyMap<string, Kind> = new Map(
  (Object.keys(PREFIXES) as Kind[]).flatMap((kind) => PREFIXES[kind].flat().map((prefix) => [prefix, kind] as const)),
);

/** The names of a kind, in file order. */
export function namesOf(document: PasteDocument, kind: Kind): string[] {
  const names = new Set<string>();
  for (const section of document.sections.values()) {
    const defined = definedBy(section);
    if (defined?.kind === kind) names.add(defined.name);
  }
  return [...names];
}

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

/** One pipeline: the words it is written as, and the section they stand in. */
export interface WrittenPipeline {
  readonly name: string;
  readonly section: PasteSection;
  readonly words: readonly string[];
}

/**
 * The pipelines by name, each with its filters in order and its app last: those of `pipeline` sections, and the lists
 * that other apps choose from (`<section>.<option>`), as nova's do by `auth_strategy`.
 */
export function pipelinesOf(document: PasteDocument): ReadonlyMap<string, readonly string[]> {
  return new Map(writtenPipelines(document).map(({ name, words }) => [name, words]));
}

/** The same, each with its section. */
export function writtenPipelines(document: PasteDocument): WrittenPipeline[] {
  const filters = new Set(namesOf(document, 'filter'));
  const apps = new Set(namesOf(document, 'app'));
  const isList = (words: readonly string[]): boolean =>
    words.length > 1 && apps.has(words.at(-1)!) && words.slice(0, -1).every((word) => filters.has(word));
  const pipelines: WrittenPipeline[] = [];
  for (const section of document.sections.values()) {
    const defined = definedBy(section);
    if (defined?.kind !== 'app') continue;
    for (const [option, words] of lists(section)) {
      if (defined.prefix === 'pipeline' && option === 'pipeline') {
        pipelines.push({ name: defined.name, section, words });
      } else if (isList(words)) pipelines.push({ name: `${defined.name}.${option}`, section, words });
    }
  }
  return pipelines;
}

function lists(section: PasteSection): [option: string, words: string[]][] {
  return [...section.options.values()].map(({ name, value }) => [name, wordsOf(value).map(({ text }) => text)]);
}

interface Candidate {
  readonly prefix: string;
  readonly section: PasteSection;
}

const NONE: readonly Candidate[] = [];
const INDEXES = new WeakMap<PasteDocument, ReadonlyMap<string, readonly Candidate[]>>();

/** Sections by what they define: so that 10,000 lookups in 10,000 sections stay cheap. */
function indexOf(document: PasteDocument): ReadonlyMap<string, readonly Candidate[]> {
  const known = INDEXES.get(document);
  if (known !== undefined) return known;
  const index = new Map<string, Candidate[]>();
  for (const section of document.sections.values()) {
    const defined = definedBy(section);
    if (defined === undefined) continue;
    const candidate = { prefix: defined.prefix, section };
    const same = index.get(defined.name);
    if (same === undefined) index.set(defined.name, [candidate]);
    else same.push(candidate);
  }
  INDEXES.set(document, index);
  return index;
}
