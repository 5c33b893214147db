/**
 * A paste file as written: its sections, its pipelines, and the files that it includes. Processes that import no application use this
 * class instead of the Loader.
 */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import type { PlannedApp } from '../service/index.js';
import { firstRefusal, type OpenedPaste, openDocument, openPaste, type ReadPasteFile } from './document.js';
import { isModuleReference, parseReference } from './parse-reference.js';
import { definedBy, type Kind, rootsOf, sectionsNamed } from './section.js';
import { onlySection } from './section-errors.js';
import { pasteFiles, pipelinesOf, writtenApp } from './written.js';

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
  #files: readonly string[] | undefined;

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

  /** Returns the apps that no other section mentions: those that a program loads by name. */
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
    return this.#files;
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
