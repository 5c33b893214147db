/**
 * `api-cli config`: samples, validation, and where values come from.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type Config,
  ConfigError,
  diffConfigs,
  differencesFromDefaults,
  generateSample,
  type Location,
  type SampleOptions,
  type ShownOption,
  showOption,
  showOptions,
  upgradeText,
} from '../config/index.js';
import { PorticoError } from '../errors.js';
import { choice } from './choice.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';
import { registerShippedOptions, shippedOptions } from './shipped-options.js';

interface GenerateArguments extends SampleOptions {
  readonly outputFile?: string;
}

type ShowArguments = ConfigurationArguments & { readonly json?: boolean; readonly changed?: boolean };

export function register(program: Command): void {
  const config = program.command('config').description('samples of configuration files, and what is in force and why');

  config
    .command('generate')
    .description('print a sample with every option, its help and its default')
    .option('--format <format>', 'ini, md, json, yaml or json-schema', choice('--format', FORMATS), 'ini')
    .option('--output-file <path>', 'write it there instead')
    .option('--wrap-width <columns>', 'columns of help texts', Number, 70)
    .option('--minimal', 'required options alone, not commented out')
    .option('--summarize', 'the first paragraph of each help text alone')
    .addHelpText('after', '\nExample:\n  api-cli config generate --output-file portico.ini')
    .action(async ({ outputFile, ...options }: GenerateArguments) => {
      const sample = generateSample(await shippedOptions(), options);
      if (outputFile === undefined) process.stdout.write(sample);
      else writeFileSync(outputFile, sample);
    });

  addConfigurationOptions(config.command('validate'))
    .description(
      'report every mistake in what Portico knows (api-cli check knows the applications too); status 0 or 78',
    )
    .option('--strict', 'unknown sections and variables are mistakes too')
    .option('--json', 'as one JSON document')
    .action(validate);

  addConfigurationOptions(config.command('show').argument('[option]', 'group.option; default: all'))
    .description('print effective values, where each comes from, and what it shadows; secrets are masked')
    .option('--changed', 'only those that differ from their defaults')
    .option('--json', 'as one JSON document')
    .action(show);

  config
    .command('diff')
    .description('print what two configuration files make different')
    .argument('<before>')
    .argument('<after>')
    .action(async (before: string, after: string) => {
      const [old, now] = [await read({ configFile: [before] }), await read({ configFile: [after] })];
      for (const { group, opt, old: was, new: is, newLocation } of diffConfigs(old, now)) {
        process.stdout.write(`[${group}] ${opt}: ${was} -> ${is}  (${place(newLocation)})\n`);
      }
    });

  config
    .command('upgrade')
    .description('rewrite deprecated names of a file; without --write only say which')
    .argument('<file>')
    .option('--write', 'change the file')
    .action(async (file: string, { write }: { write?: boolean }) => {
      const { text, renamed } = upgradeText(readFileSync(file, 'utf8'), await shippedOptions());
      for (const { line, from, to } of renamed) process.stdout.write(`${file}:${line}: ${from} -> ${to}\n`);
      if (write === true && renamed.length > 0) writeFileSync(file, text);
    });
}

const FORMATS = ['ini', 'md', 'json', 'yaml', 'json-schema'] as const;

async function read(given: ConfigurationArguments): Promise<Config> {
  const config = await readConfiguration(given, { collect: true });
  await registerShippedOptions(config);
  // Judging it gives each [api:<name>] its options.
  config.problems({ complete: false });
  return config;
}

async function validate(given: ConfigurationArguments & { strict?: boolean; json?: boolean }): Promise<void> {
  const set = given.strict === true ? [...(given.set ?? []), 'DEFAULT.strict_config=true'] : given.set;
  const config = await read({ ...given, ...(set === undefined ? {} : { set }) });
  // Applications declare groups of their own, which this command does not load.
  const issues = config.problems({ complete: given.strict === true });
  const errors = issues.filter(({ severity }) => severity === 'error');
  if (given.json === true) {
    process.stdout.write(`${JSON.stringify({ schema: 'portico-config-issues', version: 1, issues }, undefined, 2)}\n`);
    process.exitCode = errors.length > 0 ? 78 : 0;
    return;
  }
  if (errors.length > 0) throw new ConfigError(issues);
  if (issues.length > 0) process.stdout.write(`${new ConfigError(issues).message}\n`);
  process.stdout.write(issues.length === 0 ? 'No mistakes found in what Portico knows.\n' : 'No errors.\n');
}

async function show(option: string | undefined, given: ShowArguments): Promise<void> {
  const config = await read(given);
  const options = option === undefined ? all(config, given) : [one(config, option)];
  if (given.json === true) {
    process.stdout.write(`${JSON.stringify({ schema: 'portico-config', version: 1, options }, undefined, 2)}\n`);
    return;
  }
  for (const each of options) process.stdout.write(`${text(each)}\n`);
}

function all(config: Config, { changed }: ShowArguments): ShownOption[] {
  return changed === true ? differencesFromDefaults(config) : showOptions(config);
}

/** `compute.port` is short for `api:compute.port`; an option alone is one of `[DEFAULT]`. */
function one(config: Config, name: string): ShownOption {
  const dot = name.lastIndexOf('.');
  const [group, opt] = dot < 0 ? ['DEFAULT', name] : [name.slice(0, dot), name.slice(dot + 1)];
  for (const candidate of [group, `api:${group}`])
    if (config.has(candidate, opt)) return showOption(config, candidate, opt);
  throw new PorticoError('PORTICO_USAGE', {
    message: `there is no option ${opt} in [${group}]`,
    hint: 'Name it as group.option; without a name all options are shown.',
  });
}

function text({ group, opt, value, location, shadowed }: ShownOption): string {
  const hidden = shadowed.map((each) => `\n    shadows ${each.value}  (${place(each.location)})`).join('');
  return `[${group}] ${opt} = ${value}  (${place(location)})${hidden}`;
}

const KINDS: Partial<Record<Location['kind'], string>> = { command_line: 'command line, ', environment: 'env ' };

function place({ kind, detail }: Location): string {
  return kind === 'default' ? 'default' : `${KINDS[kind] ?? ''}${detail}`;
}
