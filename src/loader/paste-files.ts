/**
 * Which files a paste file is made of, and what each of its pipelines is made of: as it is written, nothing is resolved.
 */
import { dirname, resolve } from 'node:path';
import { ignoreErrors } from '../errors/index.js';
import { type PasteDocument, type PasteSection, wordsOf } from '../ini/index.js';
import { definedBy, writtenPipelines } from './section.js';

/** Paste files by absolute path, the main one first. */
export type PasteFiles = ReadonlyMap<string, PasteDocument>;

/** The file and those it includes with `config:`, all the way down. One that cannot be opened is left out. */
export function pasteFiles(path: string, document: PasteDocument, open: (path: string) => PasteDocument): PasteFiles {
  const files = new Map([[path, document]]);
  // What is added meanwhile is visited as well.
  for (const [from, { sections }] of files) {
    for (const included of inclusionsOf(sections.values(), from)) {
      // Why one cannot be opened is told when the app is built.
      const opened = files.has(included) ? undefined : ignoreErrors(() => open(included));
      if (opened !== undefined) files.set(included, opened);
    }
  }
  return files;
}

/** For each file the pipelines that are made of it, each with a text of what it has of that file. */
export type WrittenFiles = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * What the pipelines that an app of the main file leads to have of each file: of the main one the sections they name, those
 * that these name, and the defaults; included files as a whole. Two such texts differ where the pipelines may. An app
 * without a pipeline stands for itself.
 */
export function writtenFiles(app: string, files: PasteFiles): WrittenFiles {
  const [[path, document] = []] = files;
  if (path === undefined || document === undefined) return new Map();
  const named = byName(document);
  const partsOf = (
    words: readonly string[],
  ): { sections: ReadonlySet<PasteSection>; included: ReadonlySet<string> } => {
    const sections = new Set<PasteSection>();
    const included = new Set<string>();
    const visit = (word: string): void => {
      const file = includedFile(word, path);
      if (file !== undefined) included.add(file);
      for (const section of named.get(word) ?? []) {
        if (sections.has(section)) continue;
        sections.add(section);
        wordsIn(section).forEach(visit);
      }
    };
    words.forEach(visit);
    return { sections, included };
  };
  const reached = partsOf([app]).sections;
  const inPipelines = writtenPipelines(document).filter(({ section }) => reached.has(section));
  const written = new Map([...files.keys()].map((file) => [file, new Map<string, string>()]));
  for (const { name, words } of inPipelines.length > 0 ? inPipelines : [{ name: app, words: [app] }]) {
    const { sections, included } = partsOf(words);
    written.get(path)?.set(name, [words, document.defaults, ...sections].map(textOf).join('\n'));
    // What an included file includes belongs to it.
    for (const file of included) {
      for (const each of includedFrom(file, files)) written.get(each)?.set(name, wholeText(files.get(each)));
    }
  }
  return written;
}

/** A file, and those that it includes. */
function includedFrom(file: string, files: PasteFiles): ReadonlySet<string> {
  const all = new Set([file]);
  for (const each of all) {
    for (const further of inclusionsOf(files.get(each)?.sections.values() ?? [], each)) all.add(further);
  }
  return all;
}

function wholeText(document: PasteDocument | undefined): string {
  return [document?.defaults, ...(document?.sections.values() ?? [])].map(textOf).join('\n');
}

function byName(document: PasteDocument): ReadonlyMap<string, readonly PasteSection[]> {
  const named = new Map<string, PasteSection[]>();
  for (const section of document.sections.values()) {
    const name = definedBy(section)?.name;
    if (name !== undefined) named.set(name, [...(named.get(name) ?? []), section]);
  }
  return named;
}

function wordsIn({ options }: PasteSection): string[] {
  return [...options.values()].flatMap(({ value }) => wordsOf(value).map(({ text }) => text));
}

/** The files that sections of a file include. */
function inclusionsOf(sections: Iterable<PasteSection>, from: string): string[] {
  return [...sections].flatMap(wordsIn).flatMap((word) => includedFile(word, from) ?? []);
}

function includedFile(word: string, from: string): string | undefined {
  const [, file] = /^config:([^#]+)/.exec(word) ?? [];
  return file === undefined ? undefined : resolve(dirname(from), file.replaceAll('%(here)s', dirname(from)));
}

function textOf(part: PasteSection | readonly string[] | undefined): string {
  if (part === undefined) return '';
  if (!('options' in part)) return JSON.stringify(part);
  return JSON.stringify([part.name, ...[...part.options.values()].map(({ name, value }) => [name, value])]);
}
