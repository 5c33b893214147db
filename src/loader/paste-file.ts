/**
 * A paste file as written: its sections, its pipelines, and the files that it includes. Processes that import no application use this
 * class instead of the Loader.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config/index.js';
import { ignoreErrors, type Origin } from '../errors/index.js';
import { type PasteDocument, type PasteSection, wordsOf } from '../ini/index.js';
import type { PlannedApp } from '../service/index.js';
import { firstRefusal, type OpenedPaste, openDocument, openPaste, type ReadPasteFile } from './document.js';
import { includedPath, isModuleReference, parseReference } from './parse-reference.js';
import { definedBy, type Kind, namesOf, rootsOf, sectionsNamed } from './section.js';
import { onlySection } from './section-errors.js';

/** A section of a paste file. */
export interface ListedSection {
  /** `app`, `filter` or `server`; undefined for sections that PasteDeploy ignores. */
  readonly kind: Kind | undefined;
  readonly name: string;
  /** The whole header. */
  readonly header: string;
  readonly origin: Origin;
}

/** A paste file without resolved references. */
export class PasteFile {
  /** The absolute path of the file. */
  readonly path: string;
  readonly #opened: OpenedPaste;
  /** By path: documents that are in use are not parsed again. */
  #files: ReadonlyMap<string, PasteDocument> | undefined;

  /** Throws {@link PasteError} if it is not a paste file. */
  constructor(opened: OpenedPaste) {
    this.#opened = opened;
    this.path = opened.path;
    const refusal = firstRefusal(opened.document.problems);
    if (refusal !== undefined) throw refusal;
  }

  /** Reports whether exactly one app section has that name. Resolves nothing. */
  has(name: string): boolean {
    return sectionsNamed(this.#opened.document, 'app', name).length === 1;
  }

  /**
   * Throws `PasteAppNotFound` if no app section has that name, and {@link PasteError} if several have it.
   * @internal
   */
  checkApp(name: string): void {
    const { document } = this.#opened;
    onlySection(document, sectionsNamed(document, 'app', name), name, { kind: 'app', origin: undefined });
  }

  /** Returns the apps that no other section mentions: those that code loads by name. */
  roots(): string[] {
    return rootsOf(this.#opened.document)
      .filter(({ kind }) => kind === 'app')
      .map(({ name }) => name);
  }

  /** Returns the pipelines by name, each with its filters in order and its app last, as written. Nothing is resolved. */
  pipelines(): ReadonlyMap<string, readonly string[]> {
    return pipelinesOf(this.#opened.document);
  }

  /** Returns an app with its pipelines and the apps that its composites choose from, as written. Nothing is resolved. */
  writtenApp(name: string): PlannedApp {
    return writtenApp(this.#opened.document, name);
  }

  /** Reads the file and the files that it includes, and returns their absolute paths. */
  files(): readonly string[] {
    const { path, document } = this.#opened;
    this.#files ??= pasteFiles(path, document, (each) => openDocument(each, this.#opened));
    return [...this.#files.keys()];
  }

  /** Returns all sections, in file order. */
  sections(): ListedSection[] {
    return [...this.#opened.document.sections.values()].map((section) => {
      const defined = definedBy(section);
      return { kind: defined?.kind, name: defined?.name ?? section.name, header: section.name, origin: section.origin };
    });
  }
}

/** Reads and parses a file of a configuration; opens no other file. Throws as a `Loader`. */
export function openPasteFile(configPath: string, config: Config): PasteFile {
  return new PasteFile(openPaste(configPath, readerOf(config)));
}

/** Reports whether a text is the name of a section in the same file. Only a `Loader` follows other references. */
export function isSectionName(text: string): boolean {
  return parseReference(text).form === 'name' && !isModuleReference(text);
}

/** Returns the reader of a configuration's files; without a configuration, reads from disk. */
export function readerOf(config: Config | undefined): ReadPasteFile {
  return config === undefined ? (path) => readFileSync(path) : (path) => config.readFile(path);
}

// A paste file as written: its pipelines, the apps behind an app, and its files. Nothing is resolved, so a process that imports no
// application can inspect it.

/** One pipeline: its words, and the option and section that have them. */
interface WrittenPipeline {
  readonly name: string;
  readonly section: PasteSection;
  readonly option: string;
  readonly words: readonly string[];
}

/**
 * Returns the pipelines by name, each with its filters in order and its app last: those of `pipeline` sections, and the lists that other
 * apps choose from (`<section>.<option>`), as nova does by `auth_strategy`.
 */
function pipelinesOf(document: PasteDocument): ReadonlyMap<string, readonly string[]> {
  return new Map(writtenPipelines(document).map(({ name, words }) => [name, words]));
}

/** Returns the same pipelines, each with its location. */
function writtenPipelines(document: PasteDocument): WrittenPipeline[] {
  const filters = new Set(namesOf(document, 'filter'));
  const apps = new Set(namesOf(document, 'app'));
  const isList = (words: readonly string[]): boolean =>
    words.length > 1 && apps.has(words.at(-1)!) && words.slice(0, -1).every((word) => filters.has(word));
  const pipelines: WrittenPipeline[] = [];
  for (const section of document.sections.values()) {
    const defined = definedBy(section);
    if (defined?.kind !== 'app') continue;
    for (const option of section.options.keys()) {
      const words = wordsIn(section, option);
      const isPipeline = defined.prefix === 'pipeline' && option === 'pipeline';
      const name = isPipeline ? defined.name : `${defined.name}.${option}`;
      if (isPipeline || isList(words)) pipelines.push({ name, section, option, words });
    }
  }
  return pipelines;
}

/**
 * Returns an app with its pipelines, and the apps that its composites choose from. `above`: the apps that lead to it; a cycle is
 * followed once.
 */
function writtenApp(document: PasteDocument, name: string, above: readonly string[] = []): PlannedApp {
  const [section] = above.includes(name) ? [] : sectionsNamed(document, 'app', name);
  if (section === undefined) return { name };
  const inside = (word: string): PlannedApp => writtenApp(document, word, [...above, name]);
  const piped = (filters: readonly string[], app: string | undefined): PlannedApp => ({
    name,
    pipeline: name,
    filters,
    ...(app === undefined ? {} : { inner: inside(app) }),
  });
  const prefix = definedBy(section)?.prefix;
  if (prefix === 'pipeline') {
    const words = wordsIn(section, 'pipeline');
    return piped(words.slice(0, -1), words.at(-1));
  }
  if (prefix === 'filter-app') return piped([name], wordsIn(section, 'next')[0]);
  // A section with `use` leads to the section that it uses; other options of an app have no meaning here.
  const [used] = wordsIn(section, 'use');
  if (used !== undefined && used !== name && isApp(document, used)) return { name, inner: inside(used) };
  if (prefix === 'app' || prefix === 'application') return { name };
  const branches = branchesOf(document, section, name, inside);
  return branches.length === 0 ? { name } : { name, branches };
}

/** Returns the apps that options of a composite name, and the lists of filters that end with an app. */
function branchesOf(
  document: PasteDocument,
  section: PasteSection,
  name: string,
  inside: (word: string) => PlannedApp,
): { at: string; app: PlannedApp }[] {
  const lists = writtenPipelines(document).filter((each) => each.section === section);
  return [...section.options.keys()].flatMap((option): { at: string; app: PlannedApp }[] => {
    const words = wordsIn(section, option);
    if (option === 'use') return [];
    if (lists.some((list) => list.option === option)) {
      const app = { name: option, pipeline: name, filters: words.slice(0, -1), inner: inside(words.at(-1)!) };
      return [{ at: option, app }];
    }
    return words.length === 1 && isApp(document, words[0]!) ? [{ at: option, app: inside(words[0]!) }] : [];
  });
}

function isApp(document: PasteDocument, name: string): boolean {
  return sectionsNamed(document, 'app', name).length > 0;
}

/** Returns the file and all that it includes with `config:`, directly or not, by absolute path. A file that cannot be opened is omitted. */
function pasteFiles(
  path: string,
  document: PasteDocument,
  open: (path: string) => PasteDocument,
): ReadonlyMap<string, PasteDocument> {
  const files = new Map([[path, document]]);
  // Files added during the loop are visited as well.
  for (const [from, { sections }] of files) {
    for (const included of inclusionsOf(sections.values(), from)) {
      // The error for a file that cannot be opened is reported when the app is built.
      const opened = files.has(included) ? undefined : ignoreErrors(() => open(included));
      if (opened !== undefined) files.set(included, opened);
    }
  }
  return files;
}

/** Returns the files that sections of a file include. */
function inclusionsOf(sections: Iterable<PasteSection>, from: string): string[] {
  const found: string[] = [];
  for (const { options } of sections) {
    for (const { value } of options.values())
      if (/config:/i.test(value)) found.push(...wordsOf(value).flatMap(({ text }) => includedFile(text, from) ?? []));
  }
  return found;
}

function includedFile(word: string, from: string): string | undefined {
  const reference = parseReference(word);
  if (reference.form !== 'config') return undefined;
  return includedPath(from, word, reference.path.replaceAll('%(here)s', dirname(from)));
}

function wordsIn(section: PasteSection, option: string): string[] {
  return wordsOf(section.options.get(option)?.value ?? '').map(({ text }) => text);
}
