/**
 * `api-cli pipeline`: the tree that a paste file composes, with locations, factories and options. Creates nothing.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { type ContextTree, Loader } from '../../loader/index.js';
import { example, print } from '../command.js';
import { addConfigurationOptions, type OutputArguments } from '../command-line.js';
import { configuredPasteFile, PASTE_OPTION, readConfiguration } from '../configured/configuration.js';
import { effectiveOptions } from './effective-options.js';

interface PipelineArguments extends OutputArguments {
  readonly paste?: string;
}

export function register(program: Command): void {
  const command = program
    .command('pipeline')
    .description('show the tree of composites, pipelines, filters and apps, with the file, line and options of each')
    .argument('[app]', 'root (default: all that nothing else mentions)')
    .option(...PASTE_OPTION)
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('api-cli pipeline compute'));
  addConfigurationOptions(command).action(async (app: string | undefined, args: PipelineArguments) => {
    const { file, apps } = await pipeline(app, args);
    print(args, { schema: 'portico/pipeline', version: 1, file, apps }, () => printText(apps));
  });
}

async function pipeline(app: string | undefined, args: PipelineArguments) {
  const config = await readConfiguration(args);
  const path = args.paste ?? configuredPasteFile(config);
  const loader = new Loader(path, { config });
  const roots: PipelineNode[] = [];
  // A file can be drawn before anything of it is moved.
  for (const name of app === undefined ? loader.roots() : [app])
    roots.push(nodeOf(await loader.tree(name, { standIns: true }), config));
  return { file: path, apps: roots };
}

/** Returns a node to print: its parts are below it, filters before the app they wrap. */
function nodeOf(tree: ContextTree, config: Config, label?: string): PipelineNode {
  const { type, name, factory, standsFor, isUnknown, origin } = tree;
  const parts = [...(tree.filters ?? []), tree.filter, tree.app ?? tree.next].filter((part) => part !== undefined);
  const children = (tree.children ?? []).map(({ context, option }) => nodeOf(context, config, option));
  return {
    place: label,
    type,
    name,
    factory,
    standsFor,
    isUnknown,
    file: origin === undefined ? null : relative('', origin.file),
    line: origin?.line ?? null,
    options: type === 'composite' && children.length > 0 ? {} : shownOptions(tree, config),
    children: [...parts.map((part) => nodeOf(part, config)), ...children],
  };
}

function shownOptions(tree: ContextTree, config: Config): Readonly<Record<string, string>> {
  return Object.fromEntries(effectiveOptions(tree, config).map(({ name, shown }) => [name, shown]));
}

/** One node of the tree for output. */
export interface PipelineNode {
  /** Its mount or option in a composite. */
  readonly place: string | undefined;
  readonly type: string;
  readonly name: string;
  readonly factory: string | undefined;
  /** Target of an alias in place of the factory. */
  readonly standsFor: string | undefined;
  /** True if the factory is not installed; else undefined. */
  readonly isUnknown: true | undefined;
  readonly file: string | null;
  readonly line: number | null;
  readonly options: Readonly<Record<string, string>>;
  readonly children: readonly PipelineNode[];
}

/** Prints a tree of lines, each with the location in the file. */
function printText(roots: readonly PipelineNode[]): string {
  return roots.map((root) => [headline(root), ...below(root, '')].join('\n')).join('\n\n');
}

function below(node: PipelineNode, indent: string): string[] {
  const options = Object.entries(node.options).map(([name, value]) => `${name} = ${value}`);
  const lines = options.map((option) => `${indent}${node.children.length > 0 ? '│ ' : '  '}  ${option}`);
  for (const [at, child] of node.children.entries()) {
    const last = at === node.children.length - 1;
    lines.push(
      `${indent}${last ? '└─' : '├─'} ${headline(child)}`,
      ...below(child, `${indent}${last ? '   ' : '│  '}`),
    );
  }
  return lines;
}

function headline(node: PipelineNode): string {
  const { place, type, name, file, line } = node;
  const mount = place === undefined ? '' : `${place} → `;
  const factory = factoryText(node);
  const made = factory === undefined ? '' : `  ${factory}`;
  return `${mount}${name}  ${type}${made}${file === null ? '' : `  ${file}:${line}`}`;
}

/** Returns the factory as written, with what stands for it here, or that nothing does. */
function factoryText({ factory, standsFor, isUnknown }: PipelineNode): string | undefined {
  if (standsFor !== undefined && isUnknown !== true) return `${factory} → ${standsFor}`;
  return isUnknown === true ? `${factory} (not installed)` : factory;
}
