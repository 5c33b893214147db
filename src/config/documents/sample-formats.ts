/**
 * Declarations for other readers than operators: a page of reference, a schema for editors, YAML.
 */
import type { ConfigDescription, GroupDescription, OptionDescription } from './describe-options.js';

/** What there is to say about an option besides its help, one line each. */
export function notesOf(option: OptionDescription): string[] {
  const unit = option.unit === undefined ? '' : ` ${option.unit}`;
  return [
    ...(option.required ? ['This option is required.'] : []),
    ...(option.unit === undefined ? [] : [`Unit: ${option.unit}, where the value names none`]),
    ...(option.min === undefined ? [] : [`Minimum value: ${option.min}${unit}`]),
    ...(option.max === undefined ? [] : [`Maximum value: ${option.max}${unit}`]),
    ...(option.pattern === undefined ? [] : [`Must match: ${option.pattern}`]),
    ...(option.choices === undefined ? [] : ['Possible values:']),
    ...(option.choices ?? []).map(({ value, help }) => (help === undefined ? `- ${value}` : `- ${value}: ${help}`)),
    ...(option.mutable ? ['Note: can be changed without restarting'] : []),
    ...option.aliases.map((name) => `Also written: ${name}`),
    ...option.deprecated.map((name) => `Deprecated name: ${name}`),
    ...removalOf(option),
    ...(option.advanced ? ['Advanced option: for rare needs, not tuned lightly'] : []),
  ];
}

function removalOf({ removal }: OptionDescription): string[] {
  if (removal === undefined) return [];
  const since = removal.since === undefined ? '' : ` since ${removal.since}`;
  return [
    `This option is deprecated for removal${since}.`,
    ...(removal.reason === undefined ? [] : [`Reason: ${removal.reason}`]),
  ];
}

/** One group as a section with a table. */
export function toMarkdown(group: GroupDescription): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = group.options.map((option) => {
    const shown = option.sampleDefault ?? option.default;
    const value = shown === undefined || shown === '' ? '–' : `\`${shown}\``;
    const help = [option.help, ...notesOf(option)].join(' ');
    return `| \`${option.name}\` | ${option.type} | ${cell(value)} | ${cell(help)} |`;
  });
  const help = group.help === undefined ? '' : `${group.help}\n\n`;
  return `## [${group.name}]\n\n${help}| Option | Type | Default | Meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** For editors: every group an object, every option text that its type reads. */
export function toJsonSchema({ groups }: ConfigDescription): object {
  const property = ({ help, default: value, choices, pattern, removal }: OptionDescription) => ({
    type: 'string',
    description: help,
    ...(value === undefined ? {} : { default: value }),
    ...(choices === undefined ? {} : { enum: choices.map((choice) => choice.value) }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(removal === undefined ? {} : { deprecated: true }),
  });
  const object = ({ help, options }: GroupDescription) => ({
    type: 'object',
    ...(help === undefined ? {} : { description: help }),
    additionalProperties: false,
    properties: Object.fromEntries(options.map((option) => [option.name, property(option)])),
    required: options.filter(({ required }) => required).map(({ name }) => name),
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(groups.map((group) => [group.name, object(group)])),
  };
}

/** YAML 1.2 in block style; every text in double quotes, which JSON's are. */
export function toYaml(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return `${JSON.stringify(value)}\n`;
  const entries = Array.isArray(value)
    ? value.map((each): [string, unknown] => ['-', each])
    : Object.entries(value).map(([key, each]): [string, unknown] => [`${key}:`, each]);
  if (entries.length === 0) return Array.isArray(value) ? '[]\n' : '{}\n';
  const lines = entries.map(([mark, each]) => {
    const nested = typeof each === 'object' && each !== null && Object.keys(each).length > 0;
    return nested ? `${indent}${mark}\n${toYaml(each, `${indent}  `)}` : `${indent}${mark} ${toYaml(each)}`;
  });
  return lines.join('');
}
