/**
 * `api-cli check`: everything that is wrong with the files, in one pass, nothing started.
 */

import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { type Diagnostic, messageWithValue, placeOf, printDiagnostic, printDiagnostics } from '../errors/index.js';
import { ConfigNotFound, Loader } from '../loader/index.js';
import { aliasBlock } from '../loader/internal.js';
import { apiFindings } from './check-apis.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { NAME_A_CONFIGURATION, noConfiguration, readConfiguration, unread } from './configuration.js';
import { STATUS_REFUSED } from './failure.js';
import { logFileIssue } from './log-file-issue.js';
import { choice } from './option-values.js';
import { configuredPasteFile, notAPasteFile } from './paste-file.js';
import { registerShippedOptions } from './shipped-options.js';

interface CheckArguments extends ConfigurationArguments {
  readonly format: 'text' | 'json' | 'github';
  readonly json?: boolean;
  readonly import: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('check')
    .description('report every mistake of the configuration, and of the paste file, without starting anything')
    .argument('[file]', 'a paste file: that file and what it includes, alone')
    .argument('[names...]', 'only what these apps of it lead to')
    .option('--format <format>', 'text, json or github', choice('--format', ['text', 'json', 'github']), 'text')
    .option('--json', 'the same as --format json')
    .option('--no-import', 'look for modules without importing them')
    .addHelpText(
      'after',
      '\nExample:\n  api-cli check paste/api-paste.ini\n\nStatus: 0, or 78 when there is an error.',
    );
  addConfigurationOptions(command).action(async (file: string | undefined, names: string[], given: CheckArguments) => {
    process.exitCode = await check(file, names, given);
  });
}

async function check(file: string | undefined, names: readonly string[], given: CheckArguments): Promise<number> {
  const findings = file === undefined ? await ofConfiguration(given) : await ofPasteFile(file, names, given);
  const format = given.json === true ? 'json' : given.format;
  process.stdout.write(`${PRINTERS[format](findings)}\n`);
  return findings.some(({ severity }) => severity === 'error') ? STATUS_REFUSED : 0;
}

/** The paste file alone, with the configuration only where one is named. */
async function ofPasteFile(file: string, names: readonly string[], given: CheckArguments): Promise<Diagnostic[]> {
  const named = given.configFile !== undefined || given.configDir !== undefined || given.set !== undefined;
  const config = named ? await readConfiguration(given, { collect: true }) : undefined;
  const stranger = await notAPasteFile(file);
  if (stranger !== undefined) return [stranger];
  return Loader.checkFile(file, { config, import: given.import, ...(names.length === 0 ? {} : { names }) });
}

/** The configuration and the paste file it names. */
async function ofConfiguration(given: CheckArguments): Promise<Diagnostic[]> {
  const config = await readConfiguration(given, { collect: true });
  await registerShippedOptions(config);
  const cause = unread(config);
  if (cause.length > 0) return [...cause];
  const none = given.configFile === undefined ? noConfiguration(config) : undefined;
  const { findings: refused, followed, told } = await apiFindings(config, { import: given.import });
  const unlogged = logFileIssue(config);
  if (unlogged !== undefined) refused.push(unlogged);
  // First the paste file: with its factories it declares the options of the application.
  const pasted = await ofItsPasteFile(config, given);
  const strict = config.resolve('DEFAULT', 'strict_config').value === true;
  const problems = config.problems({ complete: told });
  const issues = strict ? problems : problems.map(asAtTheStart);
  // What no API leads to keeps none from starting: sections of the paste file, and groups of filters.
  const unused = [
    ...(followed ? pasted : []),
    ...issues.filter(({ section = '' }) => followed && config.isSectional(section)),
  ];
  const findings = new Map<string, Diagnostic>();
  // What an API leads to is in the paste file as well, and each API may lead to the same.
  for (const each of [...issues.filter((issue) => !unused.includes(issue)), ...refused, ...(followed ? [] : pasted)]) {
    findings.set(printDiagnostic(each), each);
  }
  for (const each of unused) {
    if (!findings.has(printDiagnostic({ ...each, severity: 'error' }))) {
      findings.set(printDiagnostic(each), each.severity === 'error' ? keepsNothing(each, issues.includes(each)) : each);
    }
  }
  return [...(none === undefined ? [] : [withoutFile(none)]), ...findings.values()];
}

/** A mistake that keeps no enabled API from starting. Sections may have a value of their own in place of a group's. */
function keepsNothing(finding: Diagnostic, isOfGroup: boolean): Diagnostic {
  const why = isOfGroup ? 'no enabled API takes its value from here' : 'no enabled API leads here';
  return { ...finding, severity: 'warning', message: `${finding.message} (${why})` };
}

function withoutFile(message: string): Diagnostic {
  const code = 'PORTICO_CONFIG_NO_FILE';
  return { severity: 'warning', code, message, hint: NAME_A_CONFIGURATION };
}

async function ofItsPasteFile(config: Config, given: CheckArguments): Promise<Diagnostic[]> {
  try {
    return await Loader.checkFile(configuredPasteFile(config), { config, import: given.import, trial: false });
  } catch (error) {
    if (!(error instanceof ConfigNotFound)) throw error;
    return error.diagnostics.map((each) => ({ ...each, plain: false }));
  }
}

/** A name of `[DEFAULT]` that comes near nothing may belong to an application: no more than a start says of it. */
function asAtTheStart(issue: Diagnostic): Diagnostic {
  const { code, section, hint, got } = issue;
  const far =
    code === 'PORTICO_CONFIG_UNKNOWN_OPTION' && section === 'DEFAULT' && hint === undefined && got === undefined;
  return far ? { ...issue, severity: 'warning' } : issue;
}

const PRINTERS = {
  text: (findings: readonly Diagnostic[]): string => {
    const blocks = findings.length === 0 ? [] : [printDiagnostics(findings, { showLine: true })];
    const aliases = aliasBlock(findings);
    const proposal =
      aliases === undefined ? [] : [`To say what stands for Python's names, fill in and add:\n\n${aliases}`];
    return [...blocks, ...proposal, summary(findings)].join('\n');
  },
  json: (findings: readonly Diagnostic[]): string =>
    JSON.stringify(
      findings.map(({ severity, code, place, section, option, hint, ...said }) => ({
        severity,
        code,
        file: place?.origin?.file ?? ((place && placeOf(place)) || null),
        line: place?.origin?.line ?? null,
        column: place?.origin?.column ?? null,
        section: section ?? null,
        option: option ?? null,
        message: messageWithValue(said),
        hint: hint ?? null,
      })),
      undefined,
      2,
    ),
  github: (findings: readonly Diagnostic[]): string =>
    findings
      .map((finding) => {
        const { severity, place, code, hint } = finding;
        const { file, line, column } = place?.origin ?? {};
        const at = file === undefined ? '' : `file=${property(file)},line=${line},col=${column},`;
        const where = file === undefined && place !== undefined ? placeOf(place) : '';
        const message = messageWithValue(finding);
        const text = [where === '' ? message : `${where}: ${message}`, hint].filter(Boolean).join('\n');
        return `::${severity} ${at}title=${property(code)}::${escaped(text)}`;
      })
      .join('\n'),
};

function summary(findings: readonly Diagnostic[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  if (findings.length === 0) return 'No mistakes found.';
  return `${errors} ${errors === 1 ? 'error' : 'errors'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`;
}

/** Escapes of GitHub's workflow commands. */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
