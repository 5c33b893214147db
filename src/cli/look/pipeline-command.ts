/**
 * `api-cli pipeline`: the tree that a paste file composes, with locations, factories and options. Creates nothing.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { type ContextTree, Loader } from '../../loader/index.js';
import { choice, example } from '../command.js';
import { addConfigurationOptions, type OutputArguments } from '../command-line.js';
import { configuredPasteFile, PASTE_OPTION, readConfiguration } from '../configured/configuration.js';
import { effectiveOptions } from './effective-options.js';

interface PipelineArguments extends OutputArguments {
  readonly paste?: string;
  readonly format: 'text' | 'json' | 'mermaid' | 'dot';
}

const FORMATS = ['text', 'json', 'mermaid', 'dot'] as const;

export function register(program: Command): void {
  const command = program
    .command('pipeline')
    .description('show the tree of composites, pipelines, filters and apps, with the file, line and options of each')
    .argument('[app]', 'root (default: all that nothing else mentions)')
    .option(...PASTE_OPTION)
    .option('--format <format>', 'text, json, mermaid or dot', choice('--format', FORMATS), 'text')
    .option('--json', 'the same as --format json')
    .addHelpText('after', example('api-cli pipeline compute --format mermaid'));
  addConfigurationOptions(command).action(async (app: string | undefined, args: PipelineArguments) => {
    process.stdout.write(`${await pipeline(app, args)}\n`);
  });
}

async function pipeline(app: string | undefined, args: PipelineArguments): Promise<string> {
  const config = await readConfiguration(args);
  const path = args.paste ?? configuredPasteFile(config);
  const loader = new Loader(path, { config });
  const roots: PipelineNode[] = [];
  // A file can be drawn before anything of it is moved.
  for (const name of app === undefined ? loader.roots() : [app])
    roots.push(nodeOf(await loader.tree(name, { standIns: true }), config));
  switch (args.json === true ? 'json' : args.format) {
    case 'json':
      return JSON.stringify({ schema: 'portico/pipeline', version: 1, file: path, apps: roots }, undefined, 2);
    case 'mermaid':
      return printMermaid(roots);
    case 'dot':
      return printDot(roots);
    default:
      return printText(roots);
  }
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

/** Prints a Mermaid flowchart: requests follow the arrows. */
function printMermaid(roots: readonly PipelineNode[]): string {
  const lines = ['flowchart TD'];
  draw(roots, {
    node: (id, node) => lines.push(`  ${id}["${quoted(caption(node))}"]`),
    edge: (from, to, label) =>
      lines.push(label === undefined ? `  ${from} --> ${to}` : `  ${from} -->|"${quoted(label)}"| ${to}`),
  });
  return lines.join('\n');
}

/** Prints a Graphviz graph. */
function printDot(roots: readonly PipelineNode[]): string {
  const lines = ['digraph pipeline {', '  node [shape=box];'];
  draw(roots, {
    node: (id, node) => lines.push(`  ${id} [label=${JSON.stringify(caption(node))}];`),
    edge: (from, to, label) =>
      lines.push(`  ${from} -> ${to}${label === undefined ? '' : ` [label=${JSON.stringify(label)}]`};`),
  });
  return [...lines, '}'].join('\n');
}

interface Pen {
  node(id: string, node: PipelineNode): void;
  edge(from: string, to: string, label: string | undefined): void;
}

/** Draws nodes and arrows: within a pipeline from filter to filter, from a composite to each child. */
function draw(roots: readonly PipelineNode[], pen: Pen): void {
  let count = 0;
  const visit = (node: PipelineNode): { first: string; last: string } => {
    const id = `n${count++}`;
    pen.node(id, node);
    const composed = node.type === 'pipeline' || node.type.startsWith('filter-');
    let last = id;
    for (const child of node.children) {
      const drawn = visit(child);
      pen.edge(composed ? last : id, drawn.first, child.place);
      if (composed) last = drawn.last;
    }
    return { first: id, last };
  };
  for (const root of roots) visit(root);
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

function caption(node: PipelineNode): string {
  const { name, type } = node;
  const factory = factoryText(node);
  return factory === undefined ? `${name} (${type})` : `${name} (${type}) ${factory}`;
}

function quoted(text: string): string {
  return text.replaceAll('"', '#quot;');
}
