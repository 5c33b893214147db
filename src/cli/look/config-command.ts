/**
 * `api-cli config`: samples, and the sources of values.
 */
import { statSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config, Option } from '../../config/index.js';
import {
  ConfigError,
  generateSample,
  isSectional,
  type SampleOptions,
  type ShownOption,
  showOptions,
  UsageError,
} from '../../config/internal.js';
import { didYouMean, type Location, locationText, PorticoError } from '../../errors/index.js';
import { optionKey, sectionKey } from '../../ini/index.js';
import { choice, example } from '../command.js';
import { addConfigurationOptions } from '../command-line.js';
import { bundledOptions, type Registration } from '../configured/bundled-options.js';
import { readConfiguration, refuseUnread } from '../configured/configuration.js';
import { declareFactories, type ReadArguments, readDeclared } from '../configured/declared-configuration.js';
import { type MeantService, socketOf } from '../configured/find-service.js';
import { ask } from '../control-client.js';

interface GenerateArguments extends SampleOptions, ReadArguments {
  readonly outputFile?: string;
}

type ShowArguments = ReadArguments & MeantService & { readonly changed?: boolean; readonly running?: boolean };

export function register(program: Command): void {
  const config = program
    .command('config')
    .description('generate and show configuration files')
    .addHelpText('after', example('api-cli config show wsgi.keep_alive'));

  addReading(config.command('generate'))
    .description("print a sample with every option, those of the paste file's factories included")
    .option('--format <format>', 'ini, md or json', choice('--format', FORMATS), 'ini')
    .option('--output-file <path>', 'write it to this file, which must not exist')
    .option('--minimal', 'only options that this configuration must set')
    .addHelpText('after', example('api-cli config generate --output-file portico.ini.sample'))
    .action(async ({ outputFile, ...options }: GenerateArguments) => {
      const wanted = options.minimal === true ? await neededOptions(options) : await allOptions(options);
      const sample = wanted.length === 0 && options.format === 'ini' ? NOTHING_NEEDED : generateSample(wanted, options);
      if (outputFile === undefined) process.stdout.write(sample);
      else writeOut(outputFile, sample);
    });

  addReading(config.command('show').argument('[option]', 'group.option (default: all)'))
    .description('print values, the source of each, and those it shadows; secrets are masked')
    .option('--changed', 'only values that differ from their defaults')
    .option('--running', 'values in the running service')
    .option('--socket <path>', 'with --running: its control socket')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('api-cli config show --changed'))
    .action(show);
}

/** Adds the options for reading a configuration and its paste file. */
function addReading(command: Command): Command {
  const more = command.option('--no-import', "omit options of the paste file's factories");
  return addConfigurationOptions(more);
}

const FORMATS = ['ini', 'md', 'json'] as const;

/** Only creates new files: a sample does not overwrite an operator's file. */
function writeOut(file: string, text: string): void {
  try {
    // A device or a pipe has no content to lose, and a folder is refused as such.
    const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
    writeFileSync(file, text, { flag: isFile ? 'wx' : 'w' });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reason = WHY_NOT_WRITTEN[code];
    throw new PorticoError('PORTICO_CLI_OUTPUT', {
      message: `cannot write ${file}: ${reason === undefined ? message : `${reason} (${code})`}`,
      hint: WHAT_ELSE[code] ?? 'Choose another file.',
      cause: error,
    });
  }
}

const WHY_NOT_WRITTEN: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'a part of its path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EEXIST: 'it already exists',
};

const WHAT_ELSE: Readonly<Record<string, string>> = {
  ENOENT: 'Create the directory first, or choose another file.',
  EEXIST: 'Choose another file, or move this one first.',
};

/** Returns all shipped options, and those of the configuration's paste file, if there is one. */
async function allOptions(args: ReadArguments): Promise<Registration[]> {
  const bundled = await bundledOptions();
  const known = new Set(
    bundled.flatMap(({ group, options }) => Object.keys(options).map((name) => `${group}.${name}`)),
  );
  const more = new Map<string, Record<string, Option>>();
  for (const { group, opt, option } of (await readDeclared(args)).resolveAll()) {
    // `[api:web]` is described by `[api:<name>]`, and `[cors.web]` by `[cors]`.
    const groups = [group, group.replace(/:.*/, ':<name>'), group.replace(/\..*/, '')];
    const isKnown = groups.some((name) => known.has(`${name}.${opt}`));
    if (!isKnown) more.set(group, { ...more.get(group), [opt]: option });
  }
  return [...bundled, ...[...more].map(([group, options]) => ({ group, options }))];
}

const NOTHING_NEEDED = '# This configuration has no required option: all others have defaults.\n';

/** Returns the required options of this configuration, without those that a section of the paste file sets itself. */
async function neededOptions(args: ReadArguments): Promise<Registration[]> {
  const config = await readConfiguration(args, { collect: true });
  refuseUnread(config);
  const found = args.import === false ? [] : await declareFactories(config);
  const missing = found.filter(({ code }) => code === 'PORTICO_CONFIG_REQUIRED');
  return config.resolveAll().flatMap(({ group, opt, option, location }) => {
    const isMissing = missing.some((each) => each.section === group && each.option === opt);
    const isNeeded = isMissing || location.kind !== 'default' || !isSectional(group);
    return option.required && isNeeded ? [{ group, options: { [opt]: option } }] : [];
  });
}

/** Throws ConfigError if a file has unreadable lines, or the value of one of these options is refused. */
function refuseRefused(config: Config, options: readonly { readonly group: string; readonly opt: string }[]): void {
  const lines = config.problems({ complete: false }).filter(({ code }) => UNREADABLE.has(code));
  const values = options.flatMap(({ group, opt }) => {
    const issues = config.has(group, opt) ? config.resolve(group, opt).issues : [];
    // A section of the paste file may set it.
    return isSectional(group) ? issues.filter(({ code }) => code !== 'PORTICO_CONFIG_REQUIRED') : issues;
  });
  const errors = [...lines, ...values].filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
}

const UNREADABLE: ReadonlySet<string> = new Set(['PORTICO_CONFIG_FILE', 'PORTICO_CONFIG_SYNTAX']);

async function show(option: string | undefined, args: ShowArguments): Promise<void> {
  const config = args.running === true ? undefined : await readDeclared(args);
  const all = config === undefined ? await running(args) : showOptions(config);
  const listed = args.changed === true ? all.filter(({ isDefault }) => !isDefault) : all;
  const options = option === undefined ? listed : [one(all, option)];
  if (args.json === true) {
    process.stdout.write(`${JSON.stringify({ schema: 'portico-config', version: 1, options }, undefined, 2)}\n`);
  } else {
    for (const each of options) process.stdout.write(`${text(each)}\n`);
  }
  if (config !== undefined) refuseRefused(config, options);
}

/** Returns all options of the configuration that the running service uses. */
async function running(args: MeantService): Promise<readonly ShownOption[]> {
  const {
    options,
    complete,
    unanswered = [],
  } = await ask<{
    options: readonly ShownOption[];
    complete?: boolean;
    unanswered?: readonly { readonly service: string; readonly reason: string }[];
  }>(await socketOf(args), 'GET', '/config?all');
  if (complete !== true) {
    process.stderr.write(
      'Only values that differ from their defaults: the parent is of an older version; restart it\n',
    );
  }
  for (const { service, reason } of unanswered)
    process.stderr.write(`Without the options that only the application of ${service} knows: ${reason}\n`);
  return options;
}

/** `compute.port` is short for `api:compute.port`; an option alone belongs to `[DEFAULT]`. */
function one(all: readonly ShownOption[], name: string): ShownOption {
  const dot = name.lastIndexOf('.');
  const [group, opt] = dot < 0 ? ['DEFAULT', name] : [sectionKey(name.slice(0, dot)), optionKey(name.slice(dot + 1))];
  for (const candidate of [group, `api:${group}`]) {
    const found = all.find((each) => sectionKey(each.group) === candidate && each.opt === opt);
    if (found !== undefined) return found;
  }
  const names = all.map((each) => (each.group === 'DEFAULT' ? each.opt : `${each.group}.${each.opt}`));
  const short = names.flatMap((each) => (each.startsWith('api:') ? [each.slice('api:'.length)] : []));
  const inside = [...names, ...short].filter((each) => each.startsWith(`${name}.`));
  if (inside.length > 0) throw new UsageError(`${name} is a group, not an option`, `It has ${inside.join(', ')}.`);
  const hint = didYouMean(name, [...names, ...short]) ?? 'Write it as group.option, or omit it to show all options.';
  throw new UsageError(`there is no option ${opt} in [${group}]`, hint);
}

function text(option: ShownOption): string {
  const { group, opt, value, refused, location, ofPaste, shadowed } = option;
  const from = `${place(location)}${ofPaste === true ? '; sections of the paste file: api-cli pipeline' : ''}`;
  const why = refused === undefined ? '' : `  refused: ${refused}`;
  const hidden = shadowed.map((each) => `\n    shadows ${each.value}  (${place(each.location)})`).join('');
  return `[${group}] ${opt} = ${value}  (${from})${why}${hidden}`;
}

function place(location: Location): string {
  return locationText(location) || 'default';
}
