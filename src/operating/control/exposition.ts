/**
 * Prometheus' text format 0.0.4, written in pieces: between two of them the process does its other work. A parent supervises workers, and an
 * API may have thousands of series.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Distribution } from '../../metrics/index.js';
import type { Metric, Value } from './metric.js';

/** The media type of the text. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Characters of a piece: some 600 lines, a millisecond. */
const PIECE = 65_536;

/** Returns the text of metrics. */
export async function* exposition(metrics: Iterable<Metric>): AsyncGenerator<string> {
  let piece = '';
  for (const metric of metrics) {
    piece += headOf(metric);
    for (const value of metric.values) {
      piece += linesOf(metric.name, value);
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
      await nextTurn();
    }
  }
  if (piece !== '') yield piece;
}

function headOf({ name, help, type }: Metric): string {
  return `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n`;
}

function linesOf(name: string, { labels, value }: Value): string {
  const text = Object.entries(labels)
    .map(([label, of]) => `${label}="${of.replace(/[\\\n"]/g, escaped)}"`)
    .join(',');
  return typeof value === 'number' ? line(name, text, value) : histogramLines(name, text, value);
}

function histogramLines(name: string, labels: string, { bounds, counts, sum }: Distribution): string {
  const more = labels === '' ? '' : `,${labels}`;
  let below = 0;
  let lines = '';
  for (const [at, count] of counts.entries()) {
    below += count;
    lines += line(`${name}_bucket`, `le="${bounds[at] ?? '+Inf'}"${more}`, below);
  }
  return lines + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, below);
}

function line(name: string, labels: string, value: number): string {
  const number = Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
  return labels === '' ? `${name} ${number}\n` : `${name}{${labels}} ${number}\n`;
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}
