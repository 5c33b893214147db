/**
 * Generates the parts of docs/reference that come from declarations in the code, the costs of docs/stability.md, and paste/portico.ini. A page marks such a part with
 * `<!-- options [group] -->` or `<!-- commands -->` before it, and `<!-- end -->` after it; everything else there is written by hand.
 * `<!-- options [group] names -->` has only the names.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option as Flag } from 'commander';
import { generateSample } from '#internal/config';
import { bundledOptions, type Registration } from '../../dist/cli/configured/bundled-options.js';
import { completeProgram } from '../../dist/cli/program.js';
import { root } from '../fixtures/project.js';
import { renewCosts } from './costs.js';
import { renewShippedFile } from './shipped-file.js';

const REFERENCE = 'docs/reference';

/** Returns every page by its path in the repository. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const registrations = await bundledOptions();
  const groups = new Map(registrations.map((each) => [each.group, each]));
  const commands = await commandList();
  const left = new Set(groups.keys());
  const paths = readdirSync(join(root, REFERENCE), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join(REFERENCE, path));
  const pages = paths.map((path) => {
    const text = read(path).replaceAll(
      /(<!-- (options|commands)(?: \[(.+?)\]( names)?)? -->\n)[\s\S]*?(?=<!-- end -->)/g,
      (...match) => {
        const [, mark, kind, name, onlyNames] = match as unknown as readonly string[];
        if (kind === 'commands') return `${mark}\n${commands}\n`;
        const registration = groups.get(name!);
        if (registration === undefined || !left.delete(name!))
          throw new Error(`${path}: [${name}] does not exist, or has two places`);
        const options =
          onlyNames === undefined ? optionTable(registration, registrations) : `${namesOf(registration)}.\n`;
        return `${mark}\n${options}\n`;
      },
    );
    return [path, text] as const;
  });
  if (left.size > 0) throw new Error(`no page has <!-- options [${[...left].join('] -->, <!-- options [')}] -->`);
  return new Map([
    ...pages,
    ['docs/stability.md', renewCosts(read('docs/stability.md'))],
    ['paste/portico.ini', renewShippedFile(read('paste/portico.ini'), registrations)],
  ]);
}

/** Returns the codes that docs/reference/errors.md describes. */
export function describedCodes(): string[] {
  return [...read(join(REFERENCE, 'errors.md')).matchAll(/^\| <a id="(\w+)"><\/a>`(PORTICO_\w+)` \| .+ \|$/gm)]
    .filter(([, id, code]) => id === code!.toLowerCase())
    .map(([, , code]) => code!);
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** An option as `generateSample` describes it in JSON. */
interface Described {
  readonly name: string;
  readonly type: string;
  readonly unit?: string;
  readonly default?: string;
  readonly sampleDefault?: string;
  readonly help: string;
  readonly required: boolean;
  readonly restart: boolean;
  readonly advanced: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly { readonly value: string; readonly help?: string }[];
  readonly aliases: readonly string[];
}

/** Returns the options of a group as a table, and those that are rarely needed as a line of names. */
function optionTable({ group }: Registration, registrations: readonly Registration[]): string {
  const same = registrations.filter((each) => each.group === group);
  const described = same.flatMap((each) => {
    const { groups } = JSON.parse(generateSample([each], { format: 'json' })) as {
      groups: readonly { readonly options: readonly Described[] }[];
    };
    return groups.flatMap(({ options }) => options);
  });
  // An app and a filter may share a group.
  const options = [...new Map(described.map((option) => [option.name, option])).values()];
  const shown = options.filter(({ advanced }) => !advanced);
  const rare = options.filter(({ advanced }) => advanced).map(({ name }) => `\`${name}\``);
  const rows = shown.map((option) => [`\`${option.name}\``, defaultOf(option), meaningOf(option)]);
  const text = rows.length === 0 ? 'No options.\n' : table(['Option', 'Default, or type', 'Meaning'], rows);
  return rare.length === 0 ? text : `${text}\nRarely needed: ${rare.join(', ')}.\n`;
}

const namesOf = ({ options }: Registration): string =>
  Object.keys(options)
    .map((name) => `\`${name}\``)
    .join(', ');

/** Types that their default shows. */
const EVIDENT: ReadonlySet<string> = new Set(['boolean', 'integer', 'float', 'string', 'choice', 'port', 'host']);

/** Returns the default, and the type where the default does not show it. */
function defaultOf({ type, unit, default: value = '', sampleDefault }: Described): string {
  if (sampleDefault !== undefined) return sampleDefault;
  if (value === '') return type;
  const measure = unit ?? (EVIDENT.has(type) ? '' : type);
  return `\`${value}\`${measure === '' ? '' : ` ${measure}`}`;
}

function meaningOf(option: Described): string {
  const { help, required, restart, choices = [] } = option;
  const names = (label: string, all: readonly string[]): string[] => {
    const others = all.filter((name) => !/^keystone_authtoken\.|^DEFAULT\.<name>_/.test(name));
    return others.length === 0 ? [] : [`${label} ${others.map((name) => `\`${name}\``).join(', ')}.`];
  };
  const untold = choices.filter(({ value }) => value !== option.default && !new RegExp(`\\b${value}\\b`).test(help));
  return [
    ...(required ? ['Required.'] : []),
    help,
    ...(untold.length === 0 ? [] : [`${choices.map(({ value }) => `\`${value}\``).join(', ')}.`]),
    ...limitOf(option),
    ...names('Also', option.aliases),
    ...(restart ? ['*Restart.*'] : []),
  ].join(' ');
}

function limitOf({ min = 0, max, unit }: Described): string[] {
  const suffix = unit === undefined ? '' : ` ${unit}`;
  if (max !== undefined) return [`${min} to ${max}${suffix}.`];
  return min <= 1 ? [] : [`At least ${min}${suffix}.`];
}

/** Options that many commands have, by the word that stands for them. The page explains them once. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  configuration: ['--config-file', '--config-dir', '--set'],
  socket: ['--socket'],
  json: ['--json'],
};

async function commandList(): Promise<string> {
  const program = await completeProgram();
  return [sharedTable(program), ...program.commands.flatMap((command) => commandParts(command, ''))].join('\n');
}

/** Returns a table of the commands that have the options of each shared word; `all but` a few where most have them. */
function sharedTable(program: Command): string {
  const commands = leavesOf(program, '');
  const rows = Object.keys(SHARED).map((word) => {
    const [having, others] = [true, false].map((has) =>
      commands.filter(([, command]) => argumentsOf(command).also.includes(word) === has).map(([name]) => `\`${name}\``),
    ) as [string[], string[]];
    return `| *${word}* | ${having.length > 2 * others.length ? `all but ${others.join(', ')}` : having.join(', ')} |\n`;
  });
  return ['| Options | Commands |\n| --- | --- |\n', ...rows].join('');
}

/** Returns the commands that have no inner ones, by name. */
function leavesOf(command: Command, path: string): readonly (readonly [name: string, command: Command])[] {
  return shownOf(command).flatMap((inner) => {
    const name = `${path}${inner.name()}`;
    return inner.commands.length === 0 ? [[name, inner] as const] : leavesOf(inner, `${name} `);
  });
}

/** Returns the commands below one, without those that only a migration page shows. */
function shownOf(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
}

/** Returns the sections of a command and its inner ones. Arguments that the one `before` has too are not repeated. */
function commandParts(command: Command, path: string, before?: Command): string[] {
  const name = `${path}${command.name()}`;
  const usage = `${name} ${command.usage()}`.replace(/ \[options\]| \[command\]/g, '').trim();
  const { own } = argumentsOf(command);
  const isSame = own.length > 1 && before !== undefined && argumentsOf(before).own.join() === own.join();
  const shownExample = exampleOf(command);
  const example = OBVIOUS.test(shownExample) ? '' : shownExample;
  const parts = [
    `### \`${usage}\`\n`,
    `${sentence(command.description())}\n`,
    ...(own.length === 0 ? [] : [isSame ? 'Arguments as above.\n' : `${own.join('\n')}\n`]),
    ...(isSame || example === '' || command.commands.length > 0 ? [] : [`\`\`\`text\n${example}\n\`\`\`\n`]),
  ];
  const inner = shownOf(command);
  return [parts.join('\n'), ...inner.flatMap((each, at) => commandParts(each, `${name} `, inner[at - 1]))];
}

/** Returns the words for the options that many commands have, and a line for each other argument. */
function argumentsOf(command: Command): { readonly also: readonly string[]; readonly own: readonly string[] } {
  const shared = Object.entries(SHARED).filter(([, flags]) =>
    flags.every((flag) => command.options.some(({ long }) => long === flag)),
  );
  const isShared = ({ long, description }: Flag): boolean =>
    shared.some(([, flags]) => flags.includes(long!)) && !description.startsWith('with ');
  const also = shared
    .filter(([, [first]]) => command.options.some((each) => each.long === first && isShared(each)))
    .map(([word]) => word);
  const own = [
    ...command.registeredArguments
      .filter(({ description }) => description !== '')
      .map((argument) => `- \`${argument.name()}\`: ${plain(argument.description)}`),
    ...command.options.filter((each) => !isShared(each)).map(flagLine),
  ];
  return { also, own };
}

function flagLine({ flags, description, defaultValue }: Flag): string {
  const isShown = defaultValue !== undefined && typeof defaultValue !== 'boolean';
  return `- \`${flags}\`: ${plain(description)}${isShown ? ` (default: ${JSON.stringify(defaultValue)})` : ''}`;
}

/** An example of one line, without a value that needs quotes. */
const OBVIOUS = /^api-cli(?: [\w/-][\w./@-]*)+$/;

/** Returns the example after the options in the help of a command. */
function exampleOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  const [, example = ''] = help.split('Example:\n');
  return example.replaceAll(/^ {2}/gm, '').trim();
}

function sentence(text: string): string {
  return `${plain(`${text.charAt(0).toUpperCase()}${text.slice(1)}`)}.`;
}

/** Escapes text: outside of code, Markdown reads `<name>` as a tag and `*` as emphasis. */
function plain(text: string): string {
  return text.replaceAll(/`[^`]*`|\*Restart\.\*|[<*]/g, (part) => (part.length > 1 ? part : `\\${part}`));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => plain(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [head, head.map(() => '---'), ...rows.map((cells) => cells.map(cell))].map(line).join('');
}
