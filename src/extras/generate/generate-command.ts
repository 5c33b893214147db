/**
 * `api-cli generate`: writes files for tools that start, stop, probe and forward to the application, from its configuration.
 */
import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { inOrder, printDiagnostics, UsageError } from 'portico/extension';
import type { CommandContext, ConfigurationArguments } from 'portico/service';
import { ADDITIONS, type Addition, type Deployment, type DeploymentArguments, deploymentOf } from './deployment.js';
import { type DeploymentFile, textOf } from './deployment-file.js';
import { docker } from './docker.js';
import { kubernetes } from './kubernetes.js';
import { logrotate } from './logrotate.js';
import { nginx } from './nginx.js';
import { socket } from './socket.js';
import { systemd } from './systemd.js';

const KINDS = { systemd, socket, logrotate, docker, kubernetes, nginx };
const WORDS = Object.keys(KINDS) as (keyof typeof KINDS)[];

interface GenerateArguments extends ConfigurationArguments, DeploymentArguments {}

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
    'print a deployment file',
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
    .addHelpText(
      'after',
      '\ndocker also writes .dockerignore, unless it exists.\nCompare an existing file: api-cli generate systemd | diff FILE -',
    )
    .action(async (kind: keyof typeof KINDS, args: GenerateArguments) => {
      const file: DeploymentFile = KINDS[kind];
      if (args.api !== undefined && file !== socket) throw new UsageError('--api is only for generate socket');
      if (args.with !== undefined && file !== kubernetes)
        throw new UsageError('--with is only for generate kubernetes');
      write(file, deploymentOf(await context.applicationFacts(await context.readConfiguration(args), args), args));
    });
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
