/**
 * `api-cli check`: finds all errors of the files in one pass, and starts nothing.
 */
import { accessSync, constants, lstatSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { Config } from '../../config/index.js';
import { diagnose, isShipped, writableAmong, writableFiles } from '../../config/internal.js';
import {
  type Diagnostic,
  ignoreErrors,
  inOrder,
  locationInFile,
  locationText,
  messageWithValue,
  nearestNames,
  printDiagnostics,
} from '../../errors/index.js';
import { buildConfiguration } from '../../launch/internal.js';
import { isPasteSection } from '../../loader/internal.js';
import { silentLogger } from '../../log/internal.js';
import { errorPages, explainedIn, pagesOf } from '../../modules/index.js';
import type { StatusDocument } from '../../operating/internal.js';
import { connectError } from '../../process/index.js';
import type { PlannedApi } from '../../server/internal.js';
import type { CommandContext, ListenAddress } from '../../service/index.js';
import { BindError, formatAddress, holderOf } from '../../service/internal.js';
import { countText } from '../../text/index.js';
import { choice, columns } from '../command.js';
import { STATUS_REFUSED } from '../command-failure.js';
import { addConfigurationOptions, type OutputArguments } from '../command-line.js';
import { NAME_A_CONFIGURATION, noConfiguration, readConfiguration, unread } from '../configured/configuration.js';
import { unplacedApi } from '../configured/enabled-apis.js';
import { socketOf } from '../configured/find-service.js';
import { ask } from '../control-client.js';
import { extensionErrors } from './extension-errors.js';
import { asChecked, plan } from './plan.js';
import { validateAll } from './validate-all.js';

interface CheckArguments extends OutputArguments {
  readonly format: 'text' | 'json' | 'github';
  readonly import: boolean;
  readonly factories: boolean;
  readonly strict?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  const command = program
    .command('check')
    .description('report the errors of configuration and paste file, without a start')
    .argument('[file]', 'only this paste file and those it includes')
    .argument('[names...]', 'only these apps of the file, and all they use')
    .option('--format <format>', 'text, json or github', choice('--format', ['text', 'json', 'github']), 'text')
    .option('--json', 'the same as --format json')
    .option('--no-factories', 'import modules, but call no factory or trial of the application: no database is opened')
    .option('--no-import', 'look for modules without importing them')
    .option('--strict', 'end with 78 for warnings too')
    .addHelpText(
      'after',
      '\nExample:\n  api-cli check paste/api-paste.ini\n\nIt calls the factories of the paste file, with ctx.isTrial. One that does not look at that may make folders and databases:\nrun it as the user of the service, or with --no-factories.\n\n' +
        'Status: 78 if there is an error, with --strict also if there is a warning: of the files, of what factories log\n' +
        '(noauth: callers are not authenticated), or of this machine, such as an address in use. --strict is for the\n' +
        'configuration of production; one for development, with noauth, never passes it.',
    );
  addConfigurationOptions(command).action(async (file: string | undefined, names: string[], args: CheckArguments) => {
    const parts = (config: Config) => extensionErrors(config, program.createCommand(), context);
    const findings = file === undefined ? await ofConfiguration(args, parts) : await ofPasteFile(file, names, args);
    process.stdout.write(`${await PRINTERS[args.json === true ? 'json' : args.format](findings)}\n`);
    process.exitCode = findings.some(({ severity }) => args.strict === true || severity === 'error')
      ? STATUS_REFUSED
      : 0;
  });
}

/** Checks the paste file only, and the configuration if one is named. */
async function ofPasteFile(file: string, names: readonly string[], args: CheckArguments): Promise<Diagnostic[]> {
  const named = args.configFile !== undefined || args.configDir !== undefined || args.set !== undefined;
  const config = named ? await readConfiguration(args, { collect: true }) : undefined;
  const unowned = notAPasteFile(file);
  if (unowned !== undefined) return [unowned];
  const { Loader } = await import('../../loader/index.js');
  const trial = args.factories || 'bundled';
  const asked = names.length === 0 ? {} : { names };
  const found = await Loader.checkFile(file, { config, import: args.import, trial, ...asked });
  return [...(config === undefined ? writableAmong([file]) : writableFiles(config)), ...found];
}

/** Returns an error for a file with sections but none of a paste file; otherwise undefined. */
function notAPasteFile(file: string): Diagnostic | undefined {
  const config = sectionsOf(file);
  const sections = config?.listAllSections() ?? [];
  if (config === undefined || sections.length === 0 || sections.some(isPasteSection)) return undefined;
  // Both kinds of files have `[DEFAULT]`.
  const opts = config.listOptions('DEFAULT');
  const servesApis = opts.includes('enabled_apis') || opts.includes('api_paste_config');
  const first =
    sections.find((name) => name.startsWith('api:')) ??
    sections.find((name) => (name === 'DEFAULT' ? servesApis : isShipped(name)));
  return {
    severity: 'error',
    code: 'PORTICO_PASTE_NO_SECTION',
    location: locationInFile({ file, line: 1, column: 1 }),
    message: 'this is not a paste file: no section defines an app, a filter or a server',
    hint:
      first === undefined
        ? 'A paste file has sections such as [app:<name>], [filter:<name>], [pipeline:<name>] and [composite:<name>].'
        : `With [${first}] this looks like a service file: api-cli check --config-file ${file}`,
  };
}

function sectionsOf(file: string): Config | undefined {
  try {
    return Config.fromText(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)));
  } catch {
    // A file that cannot be read, or is not an INI file, is reported with the paste file.
    return undefined;
  }
}

/** Checks the configuration and the paste file it names. `parts`: returns the errors of the parts of its extensions. */
async function ofConfiguration(
  args: CheckArguments,
  parts: (config: Config) => Promise<readonly Diagnostic[]>,
): Promise<Diagnostic[]> {
  const config = await readConfiguration(args, { collect: true });
  const builds = args.import && args.factories && unread(config).length === 0;
  const checked = builds
    ? await buildConfiguration(config)
    : await validateAll(config, { import: args.import, factories: builds });
  const ofExtensions = args.import ? await parts(config) : [];
  const all = [...checked.map(asChecked), ...ofExtensions];
  const { apis } = await plan(config, { log: silentLogger() });
  const none = args.configFile === undefined ? noConfiguration(config) : undefined;
  const code = 'PORTICO_CONFIG_NO_FILE';
  const withoutFile: Diagnostic[] =
    none === undefined ? [] : [{ severity: 'warning', code, message: none, hint: NAME_A_CONFIGURATION }];
  const unplaced = apis.flatMap(({ name }) => (isMisspelt(name, all) ? [] : (unplacedApi(config, name) ?? [])));
  const expiring = apis.flatMap(({ certificate }) => certificate?.warnings ?? []);
  return [...withoutFile, ...inOrder([...all, ...(await obstaclesOf(config, apis, args)), ...unplaced, ...expiring])];
}

/** Reports whether a refused section has nearly the name of an API's section: then that API lacks nothing else. */
function isMisspelt(name: string, found: readonly Diagnostic[]): boolean {
  return found.some(({ severity, section, option }) => {
    const isSection = severity === 'error' && section !== undefined && option === undefined;
    return isSection && nearestNames(section, [`api:${name}`]).length > 0;
  });
}

/** Returns warnings of addresses that cannot be bound at present, except those of the running service of this configuration. */
async function obstaclesOf(config: Config, apis: readonly PlannedApi[], args: CheckArguments): Promise<Diagnostic[]> {
  const found: Diagnostic[] = [];
  let own: ReadonlySet<string> | undefined;
  for (const { name, addresses } of apis) {
    // One after another: each is bound for a moment.
    for (const address of addresses) {
      const obstacle = await addressObstacle(address);
      if (obstacle === undefined) continue;
      own ??= await addressesOfRunning(args);
      if (!own.has(`${name} ${formatAddress(address)}`)) found.push(ofAddress(config, name, obstacle));
    }
  }
  return found;
}

/** Returns names and addresses of the APIs that the running service serves. */
async function addressesOfRunning(args: CheckArguments): Promise<ReadonlySet<string>> {
  const path = await socketOf(args).catch(() => undefined);
  const asked = path === undefined ? undefined : ask<StatusDocument>(path, 'GET', '/status').catch(() => undefined);
  const services = (await asked)?.services ?? [];
  return new Set(
    services.flatMap(({ name, addresses }) => addresses.map((address) => `${name} ${formatAddress(address)}`)),
  );
}

/** A start would exit with 1, unless the service itself holds the address and did not respond. */
function ofAddress(config: Config, name: string, obstacle: AddressObstacle): Diagnostic {
  const group = `api:${name}`;
  const opt = config.getLocation(group, 'port').kind === 'default' ? 'listen' : 'port';
  return diagnose(config, { severity: 'warning', group, opt, ...obstacle });
}

const PRINTERS = {
  text: async (findings: readonly Diagnostic[]): Promise<string> => {
    const blocks = findings.length === 0 ? [] : [printDiagnostics(findings)];
    return [...blocks, ...(await mappingOf(findings)), summary(findings), ...explainedIn(pagesOf(findings))].join('\n');
  },
  json: (findings: readonly Diagnostic[]): string =>
    JSON.stringify(
      findings.map(({ severity, code, location, section, option, hint, note, ...said }) => ({
        severity,
        code,
        file: location?.origin?.file ?? ((location && locationText(location)) || null),
        line: location?.origin?.line ?? null,
        column: location?.origin?.column ?? null,
        section: section ?? null,
        option: option ?? null,
        message: messageWithValue(said),
        hint: hint ?? null,
        note: note ?? null,
        page: errorPages([{ code, ...said }])[0] ?? null,
      })),
      undefined,
      2,
    ),
  github: (findings: readonly Diagnostic[]): string =>
    findings
      .map((finding) => {
        const { severity, location, code, hint, note } = finding;
        const { file, line, column } = location?.origin ?? {};
        const at = file === undefined ? '' : `file=${property(file)},line=${line},col=${column},`;
        const where = file === undefined && location !== undefined ? locationText(location) : '';
        const message = messageWithValue(finding);
        const text = [where === '' ? message : `${where}: ${message}`, hint, note].filter(Boolean).join('\n');
        return `::${severity} ${at}title=${property(code)}::${escaped(text)}`;
      })
      .join('\n'),
};

/** Returns the aliases to write for Python names, and the counterparts of the other Python names in these files, as blocks of text. */
async function mappingOf(findings: readonly Diagnostic[]): Promise<string[]> {
  const proposing = findings.filter(({ proposal }) => proposal !== undefined);
  if (proposing.length === 0) return [];
  const { aliasBlock, factoriesOf } = await import('../../loader/internal.js');
  const files = new Set(proposing.flatMap(({ location }) => location?.origin?.file ?? []));
  // A file that cannot be read as a whole has its error in the list above.
  const factories = await Promise.all([...files].map((file) => factoriesOf(file).catch(() => [])));
  const rows = factories.flat().flatMap(({ sections, name, target, lost }) => {
    const isMapped = target !== undefined && target !== name && lost === undefined;
    return isMapped && !/^(?:egg:)?portico\b/.test(name) ? [[`  ${sections.join(', ')}`, name, target]] : [];
  });
  return [
    `To map the Python names, complete these aliases and add them:\n\n${aliasBlock(findings)}\n`,
    ...(rows.length === 0 ? [] : [`Python names that need no alias:\n\n${columns(rows).join('\n')}\n`]),
  ];
}

function summary(findings: readonly Diagnostic[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  if (findings.length === 0) return 'No errors found.';
  return `${countText(errors, 'error')}, ${countText(warnings, 'warning')}.`;
}

/** Escapes text for GitHub's workflow commands. */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

// Obstacles to binding an address: the process that holds it, or an error of the system.

/** Reason why an address cannot be bound at present. */
interface AddressObstacle {
  readonly code: 'PORTICO_ADDRESS_TAKEN' | 'PORTICO_START_FAILED';
  readonly message: string;
  readonly hint: string;
}

/** Returns the obstacle to binding an address, with its holder if the system knows it; undefined if there is none. */
async function addressObstacle(address: ListenAddress): Promise<AddressObstacle | undefined> {
  if ('path' in address) {
    const error = await connectError(address.path);
    // A listener with a full queue accepts no connection.
    if (error === undefined || error === 'EAGAIN') return taken(address, address.path);
    return address.path.startsWith('\0') ? undefined : fileObstacle(address.path, error);
  }
  // A free port is always available.
  if (address.port === 0) return undefined;
  const error = await bindError(address.host, address.port);
  if (error === undefined) return undefined;
  if (error.code === 'EADDRINUSE') return taken(address, `port ${address.port}`);
  const { hint = 'Correct the address.' } = new BindError(error.code ?? '', address, { cause: error });
  return unbindable(error.message, hint);
}

/**
 * Returns the obstacle for a unix socket whose connection failed with this code. Does not create the file: a start may run as another user,
 * with a folder that its service manager creates.
 */
function fileObstacle(path: string, code: string): AddressObstacle | undefined {
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error as NodeJS.ErrnoException;
    if (reason.code === 'ENOENT')
      return unbindable(`the folder ${folder} does not exist`, `Create it, or ${ELSEWHERE}`);
    return unbindable(reason.message, `Give this user the right to create files in it, or ${ELSEWHERE}`);
  }
  const isSocket = ignoreErrors(() => lstatSync(path).isSocket());
  if (isSocket === false) return unbindable(`${path} is there, and is no socket`, `Remove it, or ${ELSEWHERE}`);
  // A start replaces a socket without a listener.
  if (isSocket === undefined || code === 'ECONNREFUSED') return undefined;
  return unbindable(`${path} is there, and cannot be connected to (${code})`, `Remove it, or ${ELSEWHERE}`);
}

const ELSEWHERE = 'choose another path.';

function taken(address: ListenAddress, place: string): AddressObstacle {
  const message = `another process already listens on ${place}${heldBy(address)}`;
  const hint = 'This is fine if it is the service that you want to reload. A second start fails with status 1.';
  return { code: 'PORTICO_ADDRESS_TAKEN', message, hint };
}

function unbindable(why: string, remedy: string): AddressObstacle {
  const hint = `${remedy} As it is now, a start fails with status 1.`;
  return { code: 'PORTICO_START_FAILED', message: `it cannot be bound now: ${why}`, hint };
}

function bindError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function heldBy(address: ListenAddress): string {
  const holder = holderOf(address);
  return holder === undefined ? '' : `: ${holder}`;
}
