/**
 * `api-cli generate`: writes files for tools that start, stop, probe and forward to the application, from its configuration, and finds the
 * outdated parts of such a file.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from 'portico/config';
import {
  type Diagnostic,
  inOrder,
  type Location,
  locationInFile,
  PorticoError,
  printDiagnostics,
  UsageError,
} from 'portico/extension';
import type { CommandContext, OutputArguments } from 'portico/service';
import { type CheckedFile, compare, type DeploymentFile, type Entry, type Tell, textOf } from './compare.js';
import { ADDITIONS, type Addition, type Deployment, type DeploymentArguments, deploymentOf } from './deployment.js';
import { docker } from './docker.js';
import { kubernetes } from './kubernetes.js';
import { logrotate } from './logrotate.js';
import { nginx } from './nginx.js';
import { socket } from './socket.js';
import { systemd } from './systemd.js';

const KINDS = { systemd, socket, logrotate, docker, kubernetes, nginx };
const WORDS = Object.keys(KINDS) as (keyof typeof KINDS)[];

interface GenerateArguments extends OutputArguments, DeploymentArguments {
  readonly check?: string;
}

export function register(program: Command, context: CommandContext): void {
  const { addCommand, choice } = context;
  /** Accepts a part of {@link ADDITIONS}. */
  const addition = (part: string, parts: readonly Addition[] = []): readonly Addition[] => [
    ...parts,
    choice('--with', ADDITIONS)(part),
  ];
  addCommand(
    program,
    'generate',
    'print a deployment file, or check one',
    'api-cli generate systemd --config-file /etc/portico/portico.ini > books.service',
  )
    .argument(
      '<kind>',
      'systemd, socket (for one API), logrotate, docker, kubernetes or nginx',
      choice('<kind>', WORDS),
    )
    .option('--api <name>', 'with socket: one of several APIs')
    .option('--name <name>', 'name of the unit, the Deployment and the image; default: the first API', deploymentName)
    .option(
      '--with <part>',
      'with kubernetes: also scraping (annotations for Prometheus), one-process (no workers); may repeat',
      addition,
    )
    .option(
      '--check <file>',
      'only lines of this file that do not match the configuration; for systemd, socket and kubernetes',
    )
    .option('--json', 'with --check: print JSON')
    .addHelpText(
      'after',
      '\ndocker also writes .dockerignore, unless it exists.\nStatus of --check: 1 if a line does not match.',
    )
    .action(async (kind: keyof typeof KINDS, args: GenerateArguments) => {
      const file: DeploymentFile = KINDS[kind];
      if (args.api !== undefined && file !== socket) throw new UsageError('--api is only for generate socket');
      if (args.with !== undefined && file !== kubernetes)
        throw new UsageError('--with is only for generate kubernetes');
      const deployment = await deployed(context, await context.readConfiguration(args), args);
      if (args.check !== undefined) return await check(checked(kind, file), args.check, { context, args, deployment });
      write(file, deployment);
    });
}

/** Returns the deployment of a configuration; `args`: name it. */
async function deployed(context: CommandContext, config: Config, args: GenerateArguments): Promise<Deployment> {
  return deploymentOf(await context.applicationFacts(config, args), args);
}

/** Prints a file, and writes the one that it needs beside it. */
function write(file: DeploymentFile, deployment: Deployment): void {
  process.stdout.write(`${textOf(file.lines(deployment))}\n`);
  const beside = file.beside?.(deployment);
  if (beside !== undefined && !existsSync(beside.name)) {
    writeFileSync(beside.name, beside.text);
    process.stderr.write(`${beside.name} was written: this file needs it\n`);
  }
  const warnings = file.warnings?.(deployment) ?? [];
  for (const each of inOrder(warnings.map((said) => ({ severity: 'warning', code: 'PORTICO_DEPLOYMENT', ...said }))))
    process.stderr.write(`${printDiagnostics([each])}\n`);
}

/** Accepts a name that systemd, Kubernetes and registries of images do: a label of DNS (RFC 1123 §2.1). */
function deploymentName(name: string): string {
  if (/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw new UsageError(
    `--name ${name}: a name has lower-case letters, digits and hyphens, and begins with a letter`,
    'Choose one such as --name shop-api.',
  );
}

/** Returns a kind of file that can be checked. Throws `UsageError` for another. */
function checked(kind: string, file: DeploymentFile): CheckedFile {
  const { read } = file;
  if (read !== undefined) return { ...file, read };
  throw new UsageError(
    `--check is not for generate ${kind}`,
    `Compare the file with what would be generated: api-cli generate ${kind} | diff FILE -`,
  );
}

/** A check of an existing file. */
interface Check {
  readonly context: CommandContext;
  readonly args: GenerateArguments;
  /** The deployment of the configuration files alone. */
  readonly deployment: Deployment;
}

async function check(file: CheckedFile, path: string, given: Check): Promise<void> {
  const text = readText(path);
  const lines = text.split(/\r?\n/);
  const locationAt = (line: number) => locationInFile({ file: path, line, column: 1, text: lines[line - 1] });
  const found: Diagnostic[] = [];
  const set = await deploymentIn(file, text, given).catch((error: unknown) => {
    if (!(error instanceof PorticoError)) throw error;
    found.push(
      ...error.diagnostics.map((each) => ({ ...each, location: locationOfSetting(each, file.read(text), locationAt) })),
    );
  });
  const tell: Tell = (line, message, hint, severity = 'error') => {
    found.push({ severity, code: 'PORTICO_DEPLOYMENT', location: locationAt(line), message, hint });
  };
  if (set !== undefined && file.check !== undefined) file.check(text, set, tell);
  else if (set !== undefined) compare(file, text, set, tell);
  const findings = inOrder(found);
  given.context.print(given.args, { schema: 'portico/generate', version: 1, findings }, () =>
    findings.length === 0 ? `${path} matches this configuration.` : printDiagnostics(findings),
  );
  process.exitCode = findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

/** Returns the deployment with what an existing file sets beside the configuration files. */
async function deploymentIn(
  file: CheckedFile,
  text: string,
  { context, args, deployment }: Check,
): Promise<Deployment> {
  const { env = {}, set = [] } = file.settings?.(deployment, file.read(text)) ?? {};
  if (Object.keys(env).length === 0 && set.length === 0) return deployment;
  const named = { ...args, set: [...(args.set ?? []), ...set] };
  const config = await context.readConfiguration(named, { env: { ...process.env, ...env } });
  return await deployed(context, config, args);
}

/** Returns the line of the file that makes a wrong setting, or where it is set otherwise. */
function locationOfSetting(
  { location }: Diagnostic,
  file: readonly Entry[],
  locationAt: (line: number) => Location,
): Location | undefined {
  const entry = file.findLast(({ key }) => location?.kind === 'environment' && key.endsWith(`.${location.detail}`));
  return entry === undefined ? location : locationAt(entry.line);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `${path} cannot be read: ${(cause as Error).message}`;
    throw new PorticoError('PORTICO_USAGE', { message, cause });
  }
}
