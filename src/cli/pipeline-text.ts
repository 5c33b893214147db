/**
 * A composed tree as text and as diagrams.
 */

/** One node of the tree, ready to print. */
export interface PipelineNode {
  /** The mount or option of a composite it stands at. */
  readonly place?: string;
  readonly type: string;
  readonly name: string;
  readonly factory?: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly options: Readonly<Record<string, string>>;
  readonly children: readonly PipelineNode[];
}

/** A tree of lines, each with the place in the file. */
export function printText(roots: readonly PipelineNode[]): string {
  return roots.map((root) => [headline(root), ...below(root, '')].join('\n')).join('\n\n');
}

/** A flowchart in Mermaid's language: requests go along the arrows. */
export function printMermaid(roots: readonly PipelineNode[]): string {
  const lines = ['flowchart TD'];
  draw(roots, {
    node: (id, node) => lines.push(`  ${id}["${quoted(caption(node))}"]`),
    edge: (from, to, label) =>
      lines.push(label === undefined ? `  ${from} --> ${to}` : `  ${from} -->|"${quoted(label)}"| ${to}`),
  });
  return lines.join('\n');
}

/** A graph in Graphviz's language. */
export function printDot(roots: readonly PipelineNode[]): string {
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

function headline({ place, type, name, factory, file, line }: PipelineNode): string {
  const parts = [
    place === undefined ? '' : `${place} → `,
    name,
    `  ${type}`,
    factory === undefined ? '' : `  ${factory}`,
  ];
  return `${parts.join('')}${file === null ? '' : `  ${file}:${line}`}`;
}

function caption({ name, type, factory }: PipelineNode): string {
  return factory === undefined ? `${name} (${type})` : `${name} (${type}) ${factory}`;
}

function quoted(text: string): string {
  return text.replaceAll('"', '#quot;');
}
