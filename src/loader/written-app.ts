/**
 * An app of a paste file as it is written: its pipelines, and what its composites choose between. Nothing is resolved, so that
 * a process that imports no application can tell it.
 */
import { type PasteDocument, type PasteSection, wordsOf } from '../ini/index.js';
import type { PlannedApp } from '../service/index.js';
import { definedBy, sectionsNamed, writtenPipelines } from './section.js';

/** `above`: what leads to it; an app that leads to itself is told once. */
export function writtenApp(document: PasteDocument, name: string, above: readonly string[] = []): PlannedApp {
  const [section] = above.includes(name) ? [] : sectionsNamed(document, 'app', name);
  if (section === undefined) return { name };
  const inside = (word: string): PlannedApp => writtenApp(document, word, [...above, name]);
  const piped = (filters: readonly string[], app: string | undefined): PlannedApp => ({
    name,
    pipeline: name,
    filters,
    ...(app === undefined ? {} : { inner: inside(app) }),
  });
  switch (definedBy(section)?.prefix) {
    case 'pipeline': {
      const words = wordsIn(section, 'pipeline');
      return piped(words.slice(0, -1), words.at(-1));
    }
    case 'filter-app':
      return piped([name], wordsIn(section, 'next')[0]);
    case 'app':
    case 'application':
      return { name, ...usedBy(document, section, name, inside) };
    default:
      return { name, ...branchesOf(document, section, name, inside) };
  }
}

/** A section that takes another one by `use` leads to what that leads to; other options of an app are its own affair. */
function usedBy(
  document: PasteDocument,
  section: PasteSection,
  name: string,
  inside: (word: string) => PlannedApp,
): Pick<PlannedApp, 'inner'> {
  const [used] = wordsIn(section, 'use');
  const isApp = used !== undefined && used !== name && sectionsNamed(document, 'app', used).length > 0;
  return isApp ? { inner: inside(used) } : {};
}

/** What the options of a composite name: apps, and lists of filters that end with one. */
function branchesOf(
  document: PasteDocument,
  section: PasteSection,
  name: string,
  inside: (word: string) => PlannedApp,
): Pick<PlannedApp, 'branches' | 'inner'> {
  const { inner } = usedBy(document, section, name, inside);
  if (inner !== undefined) return { inner };
  const lists = new Set(
    writtenPipelines(document)
      .filter((each) => each.section === section)
      .map(({ name }) => name),
  );
  const branches: { at: string; app: PlannedApp }[] = [];
  for (const { name: option } of section.options.values()) {
    const words = wordsIn(section, option);
    const [word] = words;
    if (option === 'use') continue;
    if (lists.has(`${name}.${option}`)) {
      const app = { name: option, pipeline: name, filters: words.slice(0, -1), inner: inside(words.at(-1)!) };
      branches.push({ at: option, app });
    } else if (words.length === 1 && sectionsNamed(document, 'app', word).length > 0) {
      branches.push({ at: option, app: inside(word!) });
    }
  }
  return branches.length === 0 ? {} : { branches };
}

function wordsIn(section: PasteSection, option: string): string[] {
  return wordsOf(section.options.get(option)?.value ?? '').map(({ text }) => text);
}
