/** Renews `paste/portico.ini`: help, unit and default of each option come from the code; values that are set stay. */
import type { Option } from 'portico/config';
import { generateSample } from '#internal/config';
import type { Registration } from '../../dist/cli/configured/bundled-options.js';

/** The sections that represent all sections of their kind. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'api:<name>': 'api:compute',
  'service:<name>': 'service:compute-manager',
};

/**
 * Returns the file with the shipped options: updates the present ones, adds new ones at the end of their section, and removes the
 * others.
 */
export function renewShippedFile(text: string, registrations: readonly Registration[]): string {
  const groups = new Map<string, Record<string, Option>>();
  for (const { group, options } of registrations) {
    const section = EXAMPLES[group] ?? group;
    groups.set(section, { ...groups.get(section), ...(options as Record<string, Option>) });
  }
  const [head = '', ...sections] = text.split(/^(?=\[)/m);
  const renewed = sections.map((section) => {
    const name = /^\[([^\]]+)\]/.exec(section)![1]!;
    const options = groups.get(name);
    groups.delete(name);
    return options === undefined ? section : renewSection(section, name, options);
  });
  const added = [...groups]
    .filter(([, options]) => Object.keys(options).length > 0)
    .map(([name, options]) => renewSection(`[${name}]\n\n`, name, options));
  return `${[head, ...renewed, ...added].join('').trimEnd()}\n`;
}

function renewSection(section: string, group: string, options: Readonly<Record<string, Option>>): string {
  const left = new Map(Object.entries(options));
  const blocks = section
    .trimEnd()
    .split('\n\n')
    .flatMap((block) => {
      const name = nameOf(block);
      if (name === undefined) return [block];
      const option = left.get(name);
      left.delete(name);
      return option === undefined ? [] : [blockOf(group, name, option, block)];
    });
  const added = [...left].map(([name, option]) => blockOf(group, name, option));
  return `${[...blocks, ...added].join('\n\n')}\n\n`;
}

/** Returns the name of the option that a block of lines describes. */
function nameOf(block: string): string | undefined {
  return /^#? ?([\w<>]+) =.*$/.exec(block.split('\n').at(-1)!)?.[1];
}

function blockOf(group: string, name: string, option: Option, present = ''): string {
  const sample = generateSample([{ group, options: { [name]: option } }])
    .replace(/^\[.*\]\n\n/, '')
    .trimEnd();
  const set = present.split('\n').filter((line) => /^\w/.test(line));
  if (set.length === 0) return sample;
  const help = sample.split('\n').filter((line) => !new RegExp(`^#? ?${name} =`).test(line));
  return [...help, ...set].join('\n');
}
