/**
 * What a section lacks or has too much of.
 */
import type { PasteSection } from '../ini/index.js';
import { type PasteError, refuse } from './paste-error.js';
import { type Kind, PROTOCOLS } from './section.js';
import type { Setting, Source } from './source.js';

/** A section without the option that makes it what it is. */
export function missingSetting(source: Source, section: PasteSection, name: string): PasteError {
  const hidden = hiding(source, section, [name]);
  return refuse('missing-setting', {
    message: `is missing a "${name}" setting.`,
    hint:
      hidden ?? (name === 'next' ? 'Write "next = " and the app.' : 'Write "pipeline = " and the names, the app last.'),
    origin: section.origin,
  });
}

/** A pipeline section with options that would go nowhere. */
export function extraSettings(extra: ReadonlyMap<string, Setting>): PasteError {
  const names = [...extra.keys()];
  const header = [...extra.values()].find(({ option }) => option.name.startsWith('['))?.option;
  return refuse('extra-settings', {
    message: `a pipeline cannot have these settings: ${names.join(', ')}.`,
    hint:
      header !== undefined
        ? lostBracket(header)
        : 'A pipeline section may have "pipeline", "set …", "filter-with" and "require"; give the rest to a member.',
    origin: [...extra.values()][0]?.option.origin,
  });
}

/** What to do about a header without its end, which is an option of the section above it. */
export function lostBracket({ name, value }: Pick<Setting['option'], 'name' | 'value'>): string {
  return `Is it a section header that lost its end? Write ${name}:${value}].`;
}

/** A pipeline of nothing. */
export function emptyPipeline(members: Setting): PasteError {
  return refuse('empty-pipeline', {
    message: 'the pipeline is empty.',
    hint: 'Name its filters, outermost first, and its app last.',
    origin: members.option.origin,
  });
}

/** A section with neither `use` nor a factory. */
export function noLoader(source: Source, section: PasteSection, kind: Kind): PasteError {
  const protocols = PROTOCOLS[kind].flat();
  const given = [...section.options.keys()].filter((name) => name.startsWith('paste.') && !protocols.includes(name));
  const wrong =
    given.length === 0 ? undefined : `${given.join(' and ')} cannot make ${kind === 'app' ? 'an' : 'a'} ${kind}.`;
  const hidden = hiding(source, section, ['use', ...protocols]);
  return refuse('no-loader', {
    message: 'has no factory.',
    hint: [`Give it "use = …" or ${either(protocols)} = package/path:export.`, hidden, wrong, misspelt(section)]
      .filter((part) => part !== undefined)
      .join(' '),
    origin: section.origin,
  });
}

/** An app section with two factories. */
export function multipleProtocols(first: string, second: string, setting: Setting): PasteError {
  return refuse('multiple-protocols', {
    message: `the section has two factories: ${first} and ${second}.`,
    hint: 'Keep one of the two.',
    origin: setting.option.origin,
  });
}

/** Says when an option that stands in the section is hidden by a default of the same name, with both lines. */
function hiding(source: Source, section: PasteSection, names: readonly string[]): string | undefined {
  for (const name of names) {
    const option = section.options.get(name);
    if (!source.isDefault(name)) continue;
    const by = source.defaultOption(name)?.origin;
    const hider = by === undefined ? 'the global configuration' : `[DEFAULT] (line ${by.line})`;
    if (option === undefined && by === undefined) continue;
    return option === undefined
      ? `"${name}" in ${hider} does not count: [DEFAULT] gives no section its factory.`
      : `"${name}" stands in line ${option.origin.line}, but ${hider} has an option of that name, which hides it.`;
  }
  return undefined;
}

function misspelt(section: PasteSection): string | undefined {
  const near = [...section.options.keys()].find((name) => name !== 'use' && name.toLowerCase() === 'use');
  return near === undefined ? undefined : `Names are case-sensitive: write "use", not "${near}".`;
}

function either(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
