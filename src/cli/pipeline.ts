/**
 * `api-cli pipeline`: the tree that a paste file composes, with places, factories and options. Nothing is created.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { type ContextTree, Loader } from '../loader/index.js';
import { choice } from './choice.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { effectiveOptions } from './effective-options.js';
import { pasteFile } from './paste-file.js';
import { type PipelineNode, printDot, printMermaid, printText } from './pipeline-text.js';

interface PipelineArguments extends ConfigurationArguments {
  readonly paste?: string;
  readonly format: 'text' | 'json' | 'mermaid' | 'dot';
  readonly json?: boolean;
}

const FORMATS = ['text', 'json', 'mermaid', 'dot'] as const;

export function register(program: Command): void {
  const command = program
    .command('pipeline')
    .description('show the composed tree: composites, pipelines, filters and apps, with places and options')
    .argument('[app]', 'the app to begin with (default: those that nothing else in the file mentions)')
    .option('--paste <file>', 'the paste file (default: the one the configuration names)')
    .option('--format <format>', 'text, json, mermaid or dot', choice('--format', FORMATS), 'text')
    .option('--json', 'the same as --format json')
    .addHelpText('after', '\nExample:\n  api-cli pipeline compute --format mermaid');
  addConfigurationOptions(command).action(async (app: string | undefined, given: PipelineArguments) => {
    process.stdout.write(`${await pipeline(app, given)}\n`);
  });
}

async function pipeline(app: string | undefined, given: PipelineArguments): Promise<string> {
  const { path, config } = await pasteFile(given);
  const loader = new Loader(path, { config });
  const roots: PipelineNode[] = [];
  for (const name of app === undefined ? loader.roots() : [app]) roots.push(nodeOf(await loader.tree(name), config));
  switch (given.json === true ? 'json' : given.format) {
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

/** A node to print: what it is made of stands below it, filters before the app they are around. */
function nodeOf(tree: ContextTree, config: Config, label?: string): PipelineNode {
  const { type, name, factory, origin } = tree;
  const places = [...tree.localConf].map(([option, reference]) => ({ option, reference }));
  const parts = [...(tree.filters ?? []), tree.filter, tree.app ?? tree.next].filter((part) => part !== undefined);
  const children = (tree.children ?? []).map((child, at) => {
    const place = places.filter(({ reference }) => reference === child.name);
    const same = (tree.children ?? []).slice(0, at).filter((earlier) => earlier.name === child.name).length;
    return nodeOf(child.context, config, (place[same] ?? place[0])?.option);
  });
  return {
    ...(label === undefined ? {} : { place: label }),
    type,
    name,
    ...(factory === undefined ? {} : { factory }),
    file: origin === undefined ? null : relative('', origin.file),
    line: origin?.line ?? null,
    options: type === 'composite' && children.length > 0 ? {} : Object.fromEntries(effectiveOptions(tree, config)),
    children: [...parts.map((part) => nodeOf(part, config)), ...children],
  };
}
