/**
 * Sample files: every option with its help and default, commented out; identical bytes each time.
 */
import { ignoreErrors } from '../../errors/index.js';
import {
  describeOptions,
  type GroupDescription,
  type OptionDescription,
  type Registration,
} from '../types/describe-options.js';
import { escapeDollars } from '../types/option.js';
import { writeOption } from './write-ini.js';

/** Options of a sample. */
export interface SampleOptions {
  /** `ini` is for operators, `md` a page of reference, `json` for tools. Default `ini`. */
  readonly format?: 'ini' | 'json' | 'md';
  /** Only required options, not commented out. Default false. */
  readonly minimal?: boolean;
}

/** Returns the sample of declared options. */
export function generateSample(registrations: Iterable<Registration>, options: SampleOptions = {}): string {
  const description = describeOptions(registrations);
  if (options.format === 'json') return `${JSON.stringify(description, null, 2)}\n`;
  if (options.format === 'md') return description.groups.map(toMarkdown).join('\n');
  return description.groups
    .map((group) => iniGroup(group, options))
    .filter((text) => text !== '')
    .join('\n');
}

function iniGroup(group: GroupDescription, options: SampleOptions): string {
  const wanted = group.options.filter(({ required }) => options.minimal !== true || required);
  if (wanted.length === 0) return '';
  // A header with <name> in it would be read as a section with that literal name.
  const isTemplate = group.name.endsWith('<name>');
  const parts = wanted.map((option) => `${iniOption(option, options, isTemplate)}\n`);
  const help = group.help === undefined ? '' : `${comment(group.help)}\n`;
  return `${isTemplate ? '# ' : ''}[${group.name}]\n${help}\n${parts.join('\n')}`;
}

function iniOption(option: OptionDescription, { minimal = false }: SampleOptions, isTemplate: boolean): string {
  const notes = notesOf(option).map((note) => eachLine('# ', note));
  return [comment(`${option.help} (${option.type})`), ...notes, assignment(option, minimal, isTemplate)].join('\n');
}

/**
 * Returns `#name = default`. It has a blank after the `#` if the line without it would not set the default: the default depends on the
 * machine, does not exist or cannot be written, as text with indented lines, the option is deprecated, or the header above is a comment too.
 */
function assignment(option: OptionDescription, minimal: boolean, isTemplate: boolean): string {
  const isPlain = minimal && !isTemplate;
  if (option.default === undefined) {
    const value = `${option.name} = ${option.sampleDefault ?? `<${option.type}>`}`;
    return isPlain ? value.replaceAll('\n', '\n\t') : eachLine('# ', value);
  }
  // The description has the form of a file already, except for secrets, in which `$$` is a dollar sign too.
  const value = option.secret ? escapeDollars(option.default) : option.default;
  const lines = option.type === 'multi' && value !== '' ? value.split('\n') : [value];
  const written = ignoreErrors(() => lines.map((line) => writeOption(option.name, line)).join('\n'));
  if (written === undefined) {
    return `# The default, which a file cannot have: ${JSON.stringify(value)}\n# ${option.name} = <${option.type}>`;
  }
  if (isPlain) return written;
  return eachLine(option.removal === undefined && !isTemplate ? '#' : '# ', written);
}

/** Returns the text with a mark at the start of each line. Only a line feed ends a line of a file. */
function eachLine(mark: string, lines: string): string {
  return mark + lines.replaceAll('\n', `\n${mark}`);
}

/** Columns of help texts. */
const WIDTH = 70;

function comment(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => wrap(line.trim(), WIDTH - 2))
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line === '') lines[last] = word;
    else if (line.length + 1 + word.length <= width) lines[last] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Returns notes on an option in addition to its help, one line each. */
function notesOf(option: OptionDescription): string[] {
  return [
    ...(option.required ? ['This option is required.'] : []),
    ...(option.unit === undefined ? [] : [`Unit: ${option.unit}, unless the value has one`]),
    ...limitsOf(option),
    ...(option.choices === undefined ? [] : ['Possible values:']),
    ...(option.choices ?? []).map(({ value, help }) => (help === undefined ? `- ${value}` : `- ${value}: ${help}`)),
    ...option.aliases.map((name) => `Also written: ${name}`),
    ...option.deprecated.map((name) => `Deprecated name: ${name}`),
    ...removalOf(option),
    ...advancedOf(option),
  ];
}

function limitsOf({ unit, min, max, pattern }: OptionDescription): string[] {
  const suffix = unit === undefined ? '' : ` ${unit}`;
  return [
    ...(min === undefined ? [] : [`Minimum value: ${min}${suffix}`]),
    ...(max === undefined ? [] : [`Maximum value: ${max}${suffix}`]),
    ...(pattern === undefined ? [] : [`Must match: ${pattern}`]),
  ];
}

function advancedOf({ advanced }: OptionDescription): string[] {
  return advanced ? ['Advanced option: rarely needs to be changed'] : [];
}

function removalOf({ removal }: OptionDescription): string[] {
  if (removal === undefined) return [];
  const since = removal.since === undefined ? '' : ` since ${removal.since}`;
  return [
    `This option is deprecated for removal${since}.`,
    ...(removal.reason === undefined ? [] : [`Reason: ${removal.reason}`]),
  ];
}

/** Returns one group as a section with a table. */
function toMarkdown(group: GroupDescription): string {
  const rows = group.options.map((option) => {
    const value = option.default === undefined || option.default === '' ? '–' : `\`${option.default}\``;
    const type = option.unit === undefined ? option.type : `${option.type}, ${option.unit}`;
    const meaning = [
      option.help,
      ...(option.required ? ['This option is required.'] : []),
      ...choicesOf(option),
      ...limitsOf(option).map((limit) => `${limit}.`),
      ...inCode('Also written', option.aliases),
      ...inCode('Deprecated', option.deprecated),
      ...[...removalOf(option), ...advancedOf(option)].map((note) => note.replace(/\.?$/, '.')),
    ];
    const cells = [
      `\`${option.name}\``,
      type,
      text(option.sampleDefault ?? '') || cell(value),
      effectOf(option),
      text(meaning.join(' ')),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const help = group.help === undefined ? '' : `${text(group.help)}\n\n`;
  const head = '| Option | Type | Default | A change takes effect | Meaning |\n| --- | --- | --- | --- | --- |';
  return `## \`[${group.name}]\`\n\n${help}${head}\n${rows.join('\n')}\n`;
}

const cell = (words: string): string => words.replaceAll('|', '\\|').replaceAll('\n', ' ');
/** Escapes text for Markdown, so that, outside of code, `<name>` is not a tag and `*` not emphasis. */
const text = (words: string): string =>
  cell(words).replaceAll(/`[^`]*`|[<*]/g, (part) => (part.startsWith('`') ? part : `\\${part}`));

function inCode(label: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${label}: ${names.map((name) => `\`${name}\``).join(', ')}.`];
}

function effectOf({ restart }: OptionDescription): string {
  return restart ? 'at a restart' : 'at a reload';
}

function choicesOf({ choices = [] }: OptionDescription): string[] {
  if (choices.length === 0) return [];
  const listed = choices.map(({ value, help }) => (help === undefined ? `\`${value}\`` : `\`${value}\` (${help})`));
  return [`One of ${listed.join(', ')}.`];
}
