/**
 * A paste file as it is written: its sections, its pipelines, and the files that it is made of. A process that imports no
 * application needs no more of it.
 */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import type { PlannedApp } from '../service/index.js';
import { firstRefusal, type OpenedPaste, openDocument, openPaste, type ReadPasteFile } from './document.js';
import { isModuleReference, parseReference } from './parse-reference.js';
import { definedBy, type Kind, rootsOf, sectionsNamed } from './section.js';
import { onlySection } from './section-errors.js';
import { type PasteFiles, pasteFiles, pipelinesOf, type WrittenFiles, writtenApp, writtenFiles } from './written.js';

/** A section of a paste file. */
export interface ListedSection {
  /** `app`, `filter` or `server`; undefined for sections that PasteDeploy does not look at. */
  readonly kind: Kind | undefined;
  readonly name: string;
  /** The whole header. */
  readonly header: string;
  readonly origin: Origin;
}

/** A paste file, of which nothing is resolved. */
export class PasteFile {
  /** The file, as an absolute path. */
  readonly path: string;
  readonly #opened: OpenedPaste;
  #files: PasteFiles | undefined;

  /** Throws {@link PasteError} when it is not a paste file. */
  constructor(opened: OpenedPaste) {
    this.#opened = opened;
    this.path = opened.path;
    const refusal = firstRefusal(opened.document.problems);
    if (refusal !== undefined) throw refusal;
  }

  /** True when exactly one app section has that name. Resolves nothing. */
  has(name: string): boolean {
    return sectionsNamed(this.#opened.document, 'app', name).length === 1;
  }

  /**
   * Throws `PasteAppNotFound` when no app section has that name, and {@link PasteError} when several have it.
   * @internal
   */
  checkApp(name: string): void {
    const { document } = this.#opened;
    onlySection(document, sectionsNamed(document, 'app', name), name, { kind: 'app', origin: undefined });
  }

  /** The apps that nothing else in the file mentions: those a program asks for by name. */
  roots(): string[] {
    return rootsOf(this.#opened.document)
      .filter(({ kind }) => kind === 'app')
      .map(({ name }) => name);
  }

  /** The pipelines by name, each with its filters in order and its app last, as written. Nothing is resolved. */
  pipelines(): ReadonlyMap<string, readonly string[]> {
    return pipelinesOf(this.#opened.document);
  }

  /** An app with its pipelines and what its composites choose between, as written. Nothing is resolved. */
  writtenApp(name: string): PlannedApp {
    return writtenApp(this.#opened.document, name);
  }

  /** The absolute paths of the file and of those that it includes, which are read. */
  files(): readonly string[] {
    return [...this.#read().keys()];
  }

  /**
   * The same files, each with the pipelines that an app leads to and that are made of it: to tell what a change of the file
   * concerns. As it is written; nothing is resolved.
   */
  writtenFiles(app: string): WrittenFiles {
    return writtenFiles(app, this.#read());
  }

  /** All sections, in file order. */
  sections(): ListedSection[] {
    return [...this.#opened.document.sections.values()].map((section) => {
      const defined = definedBy(section);
      return { kind: defined?.kind, name: defined?.name ?? section.name, header: section.name, origin: section.origin };
    });
  }

  #read(): PasteFiles {
    const { path, document } = this.#opened;
    this.#files ??= pasteFiles(path, document, (each) => openDocument(each, this.#opened));
    return this.#files;
  }
}

/** Reads and parses a file as the configuration has it, and opens nothing else. Throws as a `Loader`. */
export function openPasteFile(configPath: string, config: Config): PasteFile {
  return new PasteFile(openPaste(configPath, readerOf(config)));
}

/** True for the name of a section of the same file; false for a reference that leads elsewhere, which only a `Loader` follows. */
export function isSectionName(text: string): boolean {
  return parseReference(text).form === 'name' && !isModuleReference(text);
}

/** Reads files as a configuration has read them; without one, from the disk. */
export function readerOf(config: Config | undefined): ReadPasteFile {
  return config === undefined ? (path) => readFileSync(path) : (path) => config.readFile(path);
}
