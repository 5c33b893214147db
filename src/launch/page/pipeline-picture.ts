/**
 * Picture of an API's app, from left to right: the filters of its pipelines in order, each with its time and errors if
 * they are measured, and a separate line for each branch of a URL map.
 */
import type { Totals } from '../../metrics/index.js';
import type { PlannedApp } from '../../service/index.js';
import { type Html, html } from './frame.js';

/** Counts of a filter. */
interface Stage {
  readonly name: string;
  /** Number of requests; undefined if they are not measured. */
  readonly requests?: number;
  /** Mean of its own time before and after the inner app, in seconds. */
  readonly in?: number | undefined;
  readonly out?: number | undefined;
  /** Mean of the whole time of an app, in seconds. */
  readonly takes?: number | undefined;
  readonly errors?: number;
}

/** Filters of an app, by the pipeline that has them. */
type Measure = (app: PlannedApp) => { readonly filters: readonly Stage[]; readonly app?: Partial<Stage> };

const LEAST_WIDTH = 138;
/** Of a letter of a name and of a fact. */
const LETTERS = { name: 8, fact: 6.5 } as const;
const GAP = 24;
const HEIGHT = 60;
const LINE = HEIGHT + 14;

/** `name`: the service of the app. */
export function pipelinePicture(name: string, app: PlannedApp, totals: Totals): Html {
  const measure = measureOf(name, totals);
  const boxes: (() => Html)[] = [];
  const columns = new Columns();
  const box = (stage: Stage, column: number, line: number, kind: string, follows: boolean): void => {
    columns.hold(column, stage);
    boxes.push(() => boxOf(columns, stage, column, line, kind, follows));
  };
  const arrow = (column: number, from: number, to: number): void => {
    boxes.push(() => arrowOf(columns, column, from, to));
  };

  /** Draws an app with its first box at a column and a line, and returns the next free line. */
  const draw = (drawn: PlannedApp, column: number, line: number, own: Partial<Stage> = {}): number => {
    const { inner, branches = [] } = drawn;
    const { filters, app: innermost } = measure(drawn);
    const next = column + filters.length;
    for (const [at, stage] of filters.entries()) box(stage, column + at, line, 'filter', at > 0);
    if (inner !== undefined) {
      if (filters.length > 0) arrow(next, line, line);
      return draw(inner, next, line, innermost);
    }
    box({ ...own, name: drawn.name }, next, line, branches.length === 0 ? 'app' : 'map', filters.length > 0);
    let free = line + 1;
    for (const [index, { at, app: branch }] of branches.entries()) {
      const row = index === 0 ? line : free;
      arrow(next + 1, line, row);
      arrow(next + 2, row, row);
      box({ name: at }, next + 1, row, 'place', false);
      free = draw(branch, next + 2, row);
    }
    return free;
  };

  const lines = draw(app, 0, 0);
  const [width, height] = [columns.right + 2, lines * LINE - (LINE - HEIGHT) + 2];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Pipeline ${name}">
<svg class="pipeline" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Pipeline ${name}: ${told(app, measure)}">
${boxes.map((drawn) => drawn())}</svg>
</div>`;
}

/** Columns of boxes, each as wide as its longest text. */
class Columns {
  readonly #widths: number[] = [];

  hold(column: number, stage: Stage): void {
    const facts = factsOf(stage).map((fact) => fact.length * LETTERS.fact);
    const width = Math.ceil(20 + Math.max(stage.name.length * LETTERS.name, ...facts));
    this.#widths[column] = Math.max(LEAST_WIDTH, width, this.#widths[column] ?? 0);
  }

  get right(): number {
    return this.rightOf(this.#widths.length - 1);
  }

  leftOf(column: number): number {
    return this.#widths.slice(0, column).reduce((sum, width) => sum + width + GAP, 1);
  }

  rightOf(column: number): number {
    return this.leftOf(column) + this.#widths[column]!;
  }
}

/** Draws an arrow to a box from the one before it, which may be in a line further up. */
function arrowOf(columns: Columns, column: number, from: number, to: number): Html {
  const middle = (line: number): number => line * LINE + HEIGHT / 2 + 1;
  const x = columns.rightOf(column - 1);
  const bend = from === to ? '' : `h${GAP / 2 - 4}V${middle(to)}`;
  const end = columns.leftOf(column);
  return html`<path class="way" d="M${x} ${middle(from)}${bend}H${end - 6}"/><path class="arrow" d="M${end - 7} ${middle(to) - 4}l6 4l-6 4z"/>
`;
}

function boxOf(columns: Columns, stage: Stage, column: number, line: number, kind: string, follows: boolean): Html {
  const [x, y] = [columns.leftOf(column), line * LINE + 1];
  const width = columns.rightOf(column) - x;
  return html`${follows ? arrowOf(columns, column, line, line) : undefined}<g>
<title>${[stage.name, ...factsOf(stage)].join(', ')}</title>
<rect class="${kind}${(stage.errors ?? 0) > 0 ? ' errors' : ''}" x="${x}" y="${y}" width="${width}" height="${HEIGHT}" rx="${kind === 'place' ? HEIGHT / 2 : 6}"/>
<text class="name" x="${x + 10}" y="${y + (stage.requests === undefined ? 34 : 20)}">${stage.name}</text>
${factsOf(stage).map(
  (fact, at) => html`<text class="fact" x="${x + 10}" y="${y + 37 + at * 15}">${fact}</text>
`,
)}</g>
`;
}

/** Returns the picture as text. */
function told(app: PlannedApp, measure: Measure): string {
  const { name, inner, branches = [] } = app;
  const stages = measure(app).filters.map((stage) => [stage.name, ...factsOf(stage)].join(' '));
  const ways = branches.map(({ at, app: branch }) => `at ${at} to ${told(branch, measure)}`);
  const own =
    inner === undefined ? [ways.length === 0 ? name : `${name} (${ways.join(', ')})`] : [told(inner, measure)];
  return [...stages, ...own].join('; ');
}

function factsOf({ requests, in: inward, out, takes, errors = 0 }: Stage): string[] {
  if (requests === undefined) return [];
  const times = [
    takes === undefined ? [] : `takes ${micros(takes)}`,
    inward === undefined ? [] : `in ${micros(inward)}`,
    out === undefined ? [] : `out ${micros(out)}`,
  ].flat();
  const counted = `${requests} req${errors > 0 ? `, ${errors} err` : ''}`;
  return [...(times.length > 0 ? [times.join(', ')] : []), counted];
}

function micros(seconds: number): string {
  return seconds < 0.001 ? `${Math.round(seconds * 1e6)} µs` : `${(seconds * 1000).toFixed(1)} ms`;
}

function measureOf(service: string, totals: Totals): Measure {
  const times = totals.of('filters');
  const errors = totals.of('filterErrors');
  const apps = totals.of('application');
  return ({ pipeline, filters = [] }) => {
    const stages = filters.map((name) => {
      const isOwn = ({ api, labels }: (typeof times)[number]): boolean =>
        api === service && labels[0] === pipeline && labels[1] === name;
      const own = times.filter(isOwn);
      if (own.length === 0) return { name };
      const [inward, out] = ['in', 'out'].map((direction) => mean(own.filter(({ labels }) => labels[2] === direction)));
      return {
        name,
        requests: inward!.count,
        in: inward!.mean,
        out: out!.mean,
        errors: errors.filter(isOwn).reduce((sum, { values }) => sum + values.sum, 0),
      };
    });
    const app = apps.filter(({ api, labels }) => api === service && labels[0] === pipeline);
    if (app.length === 0) return { filters: stages };
    const { count: requests, mean: takes } = mean(app);
    return { filters: stages, app: { requests, takes } };
  };
}

function mean(all: ReturnType<Totals['of']>): { count: number; mean: number | undefined } {
  const count = all.flatMap(({ values }) => values.counts).reduce((sum, each) => sum + each, 0);
  const sum = all.reduce((total, { values }) => total + values.sum, 0);
  return { count, mean: count === 0 ? undefined : sum / count };
}
