/**
 * Sample files: every option with its help and default, commented out; byte for byte the same each time.
 */
import {
  describeOptions,
  type GroupDescription,
  type OptionDescription,
  type Registration,
} from './describe-options.js';
import { notesOf, toJsonSchema, toMarkdown, toYaml } from './sample-formats.js';
import { writeOption } from './write-ini.js';

/** How a sample is written. */
export interface SampleOptions {
  /** `ini` is for operators, `md` a page of reference, `json`, `yaml` and `json-schema` for programs. Default `ini`. */
  readonly format?: 'ini' | 'json' | 'yaml' | 'md' | 'json-schema';
  /** Columns of help texts. Default 70. */
  readonly wrapWidth?: number;
  /** Only required options, not commented out. Default false. */
  readonly minimal?: boolean;
  /** Only the first paragraph of each help text. Default false. */
  readonly summarize?: boolean;
}

/** The sample of what is declared. */
export function generateSample(registrations: Iterable<Registration>, options: SampleOptions = {}): string {
  const description = describeOptions(registrations);
  if (options.format === 'json') return `${JSON.stringify(description, null, 2)}\n`;
  if (options.format === 'yaml') return toYaml(description);
  if (options.format === 'json-schema') return `${JSON.stringify(toJsonSchema(description), null, 2)}\n`;
  if (options.format === 'md') return description.groups.map(toMarkdown).join('\n');
  return description.groups
    .map((group) => iniGroup(group, options))
    .filter((text) => text !== '')
    .join('\n');
}

function iniGroup(group: GroupDescription, options: SampleOptions): string {
  const wanted = group.options.filter(({ required }) => options.minimal !== true || required);
  if (wanted.length === 0) return '';
  const parts = wanted.map((option) => `${iniOption(option, options)}\n`);
  const help = group.help === undefined ? '' : `${comment(group.help, options.wrapWidth)}\n`;
  return `[${group.name}]\n${help}\n${parts.join('\n')}`;
}

function iniOption(option: OptionDescription, { wrapWidth, summarize, minimal }: SampleOptions): string {
  const help = summarize === true ? (option.help.split(/\n\s*\n/)[0] ?? '') : option.help;
  const notes = notesOf(option).map((note) => `# ${note}`);
  return [comment(`${help} (${option.type})`, wrapWidth), ...notes, assignment(option, minimal === true)].join('\n');
}

/**
 * `#name = default`. A blank behind the `#` where taking it away would not give the default: nobody could write one
 * that fits every machine, or there is none, or it should rather not be written any more.
 */
function assignment(option: OptionDescription, minimal: boolean): string {
  if (option.default === undefined) {
    const value = option.sampleDefault ?? `<${option.type}>`;
    return minimal ? `${option.name} = ${value}` : `# ${option.name} = ${value}`;
  }
  // A secret is taken as it stands; elsewhere a dollar sign would be a reference.
  const value = option.secret ? option.default : option.default.replaceAll('$', '$$$$');
  const lines = option.type === 'multi' && value !== '' ? value.split('\n') : [value];
  const written = lines.map((line) => writeOption(option.name, line)).join('\n');
  if (minimal) return written;
  return written.replaceAll(/^/gm, option.removal === undefined ? '#' : '# ');
}

function comment(text: string, width = 70): string {
  return text
    .split('\n')
    .flatMap((line) => wrap(line.trim(), width - 2))
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
