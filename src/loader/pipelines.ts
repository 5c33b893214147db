/**
 * What the pipelines of a paste file are made of, as it is written: nothing is resolved.
 */
import { type PasteDocument, type PasteSection, wordsOf } from '../ini/index.js';
import { definedBy, namesOf } from './section.js';

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
