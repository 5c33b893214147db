/**
 * The app of an API as a picture, from the left to the right: the filters of its pipelines in order, each with its time and
 * errors where these are measured, and a line of its own for each branch of a URL map.
 */
import { type Html, html } from './html.js';

/** A filter. */
export interface Stage {
  readonly name: string;
  /** Requests that it saw; undefined where that is not measured. */
  readonly requests?: number;
  /** Its own time on the way in and out, the mean in seconds. */
  readonly in?: number | undefined;
  readonly out?: number | undefined;
  readonly errors?: number;
}

/** An app: filters and what is behind them, or branches. */
export interface StagedApp {
  readonly name: string;
  readonly filters: readonly Stage[];
  readonly inner: StagedApp | undefined;
  readonly branches: readonly { readonly at: string; readonly app: StagedApp }[];
}

const WIDTH = 138;
const GAP = 24;
const HEIGHT = 60;
const LINE = HEIGHT + 14;

/** What was drawn: its last box ends at `right`, the next free line is `line`. */
interface Drawn {
  readonly boxes: readonly Html[];
  readonly right: number;
  readonly line: number;
}

export function pipelinePicture(name: string, app: StagedApp): Html {
  const { boxes, right, line } = draw(app, 0, 0);
  const [width, height] = [right + 2, line * LINE - (LINE - HEIGHT) + 2];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Pipeline ${name}">
<svg class="pipeline" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Pipeline ${name}: ${told(app)}">
${boxes}</svg>
</div>`;
}

/** Draws an app with its first box at a column and a line. */
function draw({ name, filters, inner, branches }: StagedApp, column: number, line: number): Drawn {
  const boxes = filters.map((stage, at) => box(stage, column + at, line, 'filter', at > 0));
  const next = column + filters.length;
  if (inner !== undefined)
    return joined(boxes, draw(inner, next, line), filters.length > 0 ? [next, line, line] : undefined);
  const isLeaf = branches.length === 0;
  const own = box({ name }, next, line, isLeaf ? 'app' : 'map', filters.length > 0);
  let drawn: Drawn = { boxes: [...boxes, own], right: rightOf(next), line: line + 1 };
  for (const [at, branch] of branches.entries()) {
    const row = at === 0 ? line : drawn.line;
    const place = box({ name: branch.at }, next + 1, row, 'place', false);
    const below = draw(branch.app, next + 2, row);
    const arrows = [arrow(next + 1, line, row), arrow(next + 2, row, row)];
    drawn = {
      boxes: [...drawn.boxes, ...arrows, place, ...below.boxes],
      right: Math.max(drawn.right, below.right),
      line: below.line,
    };
  }
  return drawn;
}

function joined(boxes: readonly Html[], drawn: Drawn, to: readonly [number, number, number] | undefined): Drawn {
  return { ...drawn, boxes: [...boxes, ...(to === undefined ? [] : [arrow(...to)]), ...drawn.boxes] };
}

function leftOf(column: number): number {
  return column * (WIDTH + GAP) + 1;
}

function rightOf(column: number): number {
  return leftOf(column) + WIDTH;
}

/** To a box, from the one before it, which may stand in a line further up. */
function arrow(column: number, from: number, to: number): Html {
  const middle = (line: number): number => line * LINE + HEIGHT / 2 + 1;
  const x = rightOf(column - 1);
  const bend = from === to ? '' : `h${GAP / 2 - 4}V${middle(to)}`;
  const end = leftOf(column);
  return html`<path class="way" d="M${x} ${middle(from)}${bend}H${end - 6}"/><path class="arrow" d="M${end - 7} ${middle(to) - 4}l6 4l-6 4z"/>
`;
}

function box(stage: Stage, column: number, line: number, kind: string, follows: boolean): Html {
  const [x, y] = [leftOf(column), line * LINE + 1];
  return html`${follows ? arrow(column, line, line) : undefined}<g>
<title>${[stage.name, ...factsOf(stage)].join(', ')}</title>
<rect class="${kind}${(stage.errors ?? 0) > 0 ? ' errors' : ''}" x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="${kind === 'place' ? HEIGHT / 2 : 6}"/>
<text class="name" x="${x + 10}" y="${y + (stage.requests === undefined ? 34 : 20)}">${shortened(stage.name)}</text>
${factsOf(stage).map(
  (fact, at) => html`<text class="fact" x="${x + 10}" y="${y + 37 + at * 15}">${fact}</text>
`,
)}</g>
`;
}

/** The same in words. */
function told({ name, filters, inner, branches }: StagedApp): string {
  const stages = filters.map((stage) => [stage.name, ...factsOf(stage)].join(' '));
  const ways = branches.map(({ at, app }) => `at ${at} to ${told(app)}`);
  const own = inner === undefined ? [ways.length === 0 ? name : `${name} (${ways.join(', ')})`] : [told(inner)];
  return [...stages, ...own].join('; ');
}

function factsOf({ requests, in: inward, out, errors = 0 }: Stage): string[] {
  if (requests === undefined) return [];
  const times = [
    inward === undefined ? [] : `in ${micros(inward)}`,
    out === undefined ? [] : `out ${micros(out)}`,
  ].flat();
  const counted = `${requests} req${errors > 0 ? `, ${errors} err` : ''}`;
  return [...(times.length > 0 ? [times.join(', ')] : []), counted];
}

function micros(seconds: number): string {
  return seconds < 0.001 ? `${Math.round(seconds * 1e6)} µs` : `${(seconds * 1000).toFixed(1)} ms`;
}

function shortened(name: string): string {
  return name.length > 16 ? `${name.slice(0, 15)}…` : name;
}
