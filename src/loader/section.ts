/**
 * The kinds of things a paste file defines, and finding the section that defines one.
 */
import type { PasteDocument, PasteSection } from '../ini/index.js';
import { strip } from '../ini/index.js';

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
