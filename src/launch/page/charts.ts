/** The charts of the status page. */

import { EVERY_MS, type Stretch } from '../control/history.js';
import { type Html, html } from './frame.js';

/** Fewest values across the width: one minute. */
const LEAST = 12;

/** Returns line charts over the same period of time: all that is kept. */
export function charts(history: readonly Stretch[]): Html {
  const points = Math.max(LEAST, history.length);
  const frame = { points, minutes: (points * EVERY_MS) / 60_000 };
  const rate = [
    { name: 'all', style: '', values: history.map((each) => each.rate) },
    { name: '5xx', style: 'second', values: history.map((each) => each.failed) },
  ];
  const time = [
    { name: 'median', style: '', values: history.map(({ median }) => median) },
    { name: '95 %', style: 'second', values: history.map(({ slow }) => slow) },
  ];
  return html`<div class="charts">
${chart('Requests a second', rate, { ...frame, shown: (value) => value.toFixed(1) })}
${chart('Duration', time, { ...frame, shown: (value) => `${(value * 1000).toFixed(0)} ms` })}
</div>`;
}

/** One line of a chart. */
export interface Line {
  readonly name: string;
  /** Class in the style sheet. */
  readonly style: string;
  /** Values, oldest first; undefined is a gap. */
  readonly values: readonly (number | undefined)[];
}

const WIDTH = 600;
const HEIGHT = 120;
/** Of the labels of time below the axis. */
const LABELS = 18;

/**
 * Returns a small chart with one line for each row of numbers. `points`: the number of values that fit. `shown`:
 * formats a value with its unit.
 */
export function chart(
  title: string,
  lines: readonly Line[],
  { points, minutes, shown }: { points: number; minutes: number; shown: (value: number) => string },
): Html {
  const all = lines.flatMap(({ values }) => values).filter((value) => value !== undefined);
  const most = Math.max(...all, 0);
  const last = lines.map(({ name, values }) => {
    const value = values.findLast((each) => each !== undefined);
    return `${name} ${value === undefined ? '–' : shown(value)}`;
  });
  return html`<figure>
<figcaption>${title}: ${last.join(', ')}</figcaption>
<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT + LABELS}" role="img" aria-label="${title} over the last ${timeText(minutes)}: now ${last.join(', ')}; at most ${shown(most)}">
<line class="axis" x1="0" x2="${WIDTH}" y1="${HEIGHT - 1}" y2="${HEIGHT - 1}"/>
<text class="scale" x="4" y="12">${shown(most)}</text>
${[1, 0.5, 0].map((part) => timeLabel(part, minutes))}${lines.map(
  ({ style, values }) => html`<path class="line ${style}" d="${path(values, points, most)}"/>
`,
)}</svg>
</figure>`;
}

/** Labels a part of the time before now, at its place below the axis. */
function timeLabel(part: number, minutes: number): Html {
  const anchor = part === 1 ? 'start' : part === 0 ? 'end' : 'middle';
  const text = part === 0 ? 'now' : `${timeText(part * minutes)} ago`;
  return html`<text class="scale" x="${WIDTH * (1 - part)}" y="${HEIGHT + LABELS - 4}" text-anchor="${anchor}">${text}</text>
`;
}

function timeText(minutes: number): string {
  return minutes < 2 ? `${Math.round(minutes * 60)} s` : `${Number(minutes.toFixed(1))} min`;
}

/** Draws the newest value at the right. */
function path(values: readonly (number | undefined)[], points: number, most: number): string {
  const step = WIDTH / (points - 1);
  const first = WIDTH - (values.length - 1) * step;
  let isOpen = false;
  return values
    .map((value, at) => {
      if (value === undefined) {
        isOpen = false;
        return '';
      }
      const y = HEIGHT - 1 - (most === 0 ? 0 : (value / most) * (HEIGHT - 18));
      const point = `${isOpen ? 'L' : 'M'}${(first + at * step).toFixed(1)} ${y.toFixed(1)}`;
      isOpen = true;
      return point;
    })
    .join('');
}
