/** Generates the pages of docs/reference, except the error codes, and paste/portico.ini from the declarations in the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Command, Option as Flag } from 'commander';
import { Config, type Option, type OptionDeclarations } from 'portico/config';
import { generateSample } from '#internal/config';
import { type Registration, shippedOptions } from '../../dist/cli/configured/shipped-options.js';
import { completeProgram } from '../../dist/cli/program.js';
import * as middleware from '../../dist/middleware/index.js';
import { root } from '../fixtures/project.js';
import { renewShippedFile } from './shipped-file.js';

const GENERATED = '<!-- Generated from the code by `npm run docs:reference`. -->\n\n';

/** Returns every page by its path in the repository. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const registrations = await shippedOptions();
  return new Map([
    ['docs/reference/options.md', optionsPage(registrations)],
    ['docs/reference/filters.md', filtersPage(registrations)],
    ['docs/reference/commands.md', await commandsPage()],
    ['paste/portico.ini', renewShippedFile(readFileSync(join(root, 'paste/portico.ini'), 'utf8'), registrations)],
  ]);
}

/** Returns the codes that docs/reference/errors.md describes, with cause and remedy. */
export function describedCodes(): string[] {
  const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
  return [...page.matchAll(/^\| <a id="(\w+)"><\/a>`(PORTICO_\w+)` \| .+ \| .+ \|$/gm)]
    .filter(([, id, code]) => id === code!.toLowerCase())
    .map(([, , code]) => code!);
}

function optionsPage(registrations: readonly Registration[]): string {
  const own = registrations.filter(({ sectional }) => sectional !== true);
  return `${GENERATED}# Options

All options of \`portico.ini\`. [portico/config](config.md) explains where values come from and how each type is written.
The options of filters are in [filters](filters.md). [paste/portico.ini](../../paste/portico.ini) has the same options as a file
with comments; \`api-cli config generate\` also includes the options of your own filters.

| A change takes effect | |
| --- | --- |
| immediately | in running workers, at a reload with either method |
| in new workers | after a reload with \`restart_method = reload\`, which replaces the workers |
| at a reload | in the parent, at the same reload |
| at a restart | when the program is restarted |

${generateSample(own, { format: 'md' })}`;
}

/** Returns the page of filters: factories with options, by the name of their group. */
function filtersPage(registrations: readonly Registration[]): string {
  const sections = registrations
    .filter(
      ({ sectional, group }, at) =>
        sectional === true && at === registrations.findIndex((each) => each.group === group),
    )
    .toSorted((a, b) => (a.group < b.group ? -1 : 1))
    .map((registration) => {
      const sample = generateSample([registration], { format: 'md' });
      const [heading, ...rest] = sample.split('\n');
      const options = Object.keys(registration.options).length === 0 ? '\nNo options.\n' : rest.join('\n');
      return `${heading}\n\n${exportsOf(registration.group).join('\n')}\n${options}`;
    });
  return `${GENERATED}# Built-in filters and apps

[portico/middleware](middleware.md) explains the filters and their order. An option is set in the
section of the filter in the paste file, or for all sections in the group of this name in \`portico.ini\`.
[Options](options.md) explains when a change takes effect.

${sections.join('\n')}`;
}

const APPS: ReadonlySet<string> = new Set(['echo', 'fastifyPlugin', 'healthcheck', 'staticFiles']);

interface Factory {
  readonly group?: string;
  readonly options?: OptionDeclarations;
  readonly describe?: (options: unknown, req: undefined, ctx: object) => { readonly does: string };
}

/** Returns the factories of a group as a paste file names them, with the description of each. */
function exportsOf(group: string): string[] {
  return Object.entries(middleware as unknown as Readonly<Record<string, Factory>>)
    .filter(([, factory]) => factory.group === group)
    .map(([name, { options = {}, describe }]) => {
      const kind = APPS.has(name) ? 'app' : 'filter';
      const config = Config.fromText(`[${group}]\n${requiredOf(options).join('\n')}\n`);
      const ctx = { config, section: { options: new Map() } };
      const does = describe?.(config.group(group, options, { partial: true }), undefined, ctx).does;
      return `- \`paste.${kind}_factory = portico/middleware:${name}\`${does === undefined ? '' : `: with its defaults it ${does}.`}`;
    });
}

function requiredOf(options: OptionDeclarations): string[] {
  const textOf = (name: string, { type }: Option): string => (type === 'uri' ? `https://${name}.example` : `<${name}>`);
  return Object.entries(options)
    .filter(([, option]) => option.required)
    .map(([name, option]) => `${name} = ${textOf(name, option)}`);
}

async function commandsPage(): Promise<string> {
  const program = await completeProgram();
  const everywhere = program.options.map(flagRow);
  return `${GENERATED}# Commands of \`api-cli\`

Purpose and exit statuses: [api-cli](api-cli.md). Without a command, \`api-cli\` serves. Every
command also has these options:

${table(['Option', 'Meaning'], [...everywhere, ['`-h, --help`', 'show help for this program or a command']])}
${program.commands.flatMap((command) => commandSections(command, 'api-cli')).join('\n')}`;
}

function commandSections(command: Command, path: string): string[] {
  const name = `${path} ${command.name()}`;
  const usage = `\`\`\`text\n${name} ${command.usage()}\n\`\`\`\n`;
  const parts = [`## ${name}\n`, `${sentence(command.description())}\n`, usage];
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.map(flagRow)];
  if (rows.length > 0) parts.push(table(['Argument or option', 'Meaning'], rows));
  const example = exampleOf(command);
  if (example !== '') parts.push(`\`\`\`text\n${example}\n\`\`\`\n`);
  return [parts.join('\n'), ...command.commands.flatMap((inner) => commandSections(inner, name))];
}

function argumentRow(argument: Argument): readonly string[] {
  return [`\`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\``, argument.description];
}

function flagRow({ flags, description, defaultValue }: Flag): readonly string[] {
  const isShown = defaultValue !== undefined && typeof defaultValue !== 'boolean';
  return [`\`${flags}\``, isShown ? `${description} (default: ${JSON.stringify(defaultValue)})` : description];
}

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
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  // Outside of code, Markdown reads `<name>` as a tag and `*` as emphasis.
  const plain = (cell: string): string =>
    cell.replaceAll('|', '\\|').replaceAll(/`[^`]*`|[<*]/g, (part) => (part.startsWith('`') ? part : `\\${part}`));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [head, head.map(() => '---'), ...rows.map((cells) => cells.map(plain))].map(line).join('');
}
