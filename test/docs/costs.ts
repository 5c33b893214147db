/**
 * Generates the table of costs in docs/stability.md from the pages that `npm run bench` writes, and returns single figures for claims of
 * other pages. The mark before the table is `<!-- costs -->`, the mark after it `<!-- end -->`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../fixtures/project.js';

/** A cell of a page of results: the page, the heading above its table, the first cell of its row, the heading of its column. */
export type Cell = readonly [page: string, part: string, row: string, column: string];

const resultsOf = (page: string): string => readFileSync(join(root, 'bench/results', `${page}.md`), 'utf8');

/** The major version of Node that ran the bench. */
export const nodeOfRun = (): string => /Node (\d+)\./.exec(resultsOf('works'))![1]!;

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Returns the median in a cell. Throws if the page does not have it. */
export const figure = (cell: Cell): number => Number.parseFloat(written(cell));

/** Returns the text of a cell: the median, with the quartiles in brackets where they differ. */
function written([page, part, row, column]: Cell): string {
  const text = resultsOf(page);
  const [, under = ''] = text.split(new RegExp(`^#+ ${part}(?=:|$).*$`, 'm'));
  // A page may have several tables below one heading: the row is in one of them.
  for (const table of under.split(/^#+ /m)[0]!.matchAll(/(?:^\|.*\n)+/gm)) {
    const [head, , ...lines] = table[0].trimEnd().split('\n').map(cellsOf);
    const found = lines.find(([first]) => first === row)?.[head!.indexOf(column)];
    if (found !== undefined && Number.isFinite(Number.parseFloat(found))) return found;
  }
  throw new Error(`bench/results/${page}.md: no figure in ${part}, ${row}, ${column}`);
}

/** Ratio of Portico's CPU time for a work of the bench, to Fastify with its own hooks. */
export const inRun = (work: string, other = 'Fastify, own hooks'): Cell => ['works', work, other, "Portico's to it"];
const onNode20 = (row: string): Cell => ['node-20', 'Node 20', row, 'to Fastify'];

/** Rounds of a latency differ so much that a median alone says nothing: it has its quartiles. */
const isLatency = ([page, , row]: Cell): boolean => page === 'latency' || row.startsWith('latency');
const ratio = (cell: Cell | undefined): string => {
  if (cell === undefined) return '';
  return isLatency(cell) ? written(cell) : figure(cell).toFixed(2);
};
const mebibytes = (cell: Cell | undefined): string => (cell === undefined ? '' : figure(cell).toFixed(0));
const startOf = (row: string): readonly [Cell, Cell] => [
  ['start', 'Start to first response', row, 'to Fastify'],
  onNode20(`start: ${row}`),
];
const idleOf = (row: string): readonly [Cell, Cell] => [
  ['memory', 'Resident memory', row, 'idle'],
  ['node-20', 'Node 20', row, 'idle'],
];

/** Ratios to Fastify: the text of a row, the figure of the last run, and of the one on Node 20. */
const RATIOS: readonly (readonly [text: string, inRun: Cell, on20: Cell])[] = [
  ['a request without filters', inRun('work1', 'Fastify'), onNode20('work1')],
  ['`GET` through seven filters and a Router', inRun('work2'), onNode20('work2')],
  ['… with its log written', inRun('work2-logged'), onNode20('work2-logged')],
  ['… behind a trusted proxy', inRun('work2-forwarded'), onNode20('work2-forwarded')],
  ['`POST` with a schema through the same', inRun('work3'), onNode20('work3')],
  ['… behind a trusted proxy', inRun('work3-forwarded'), onNode20('work3-forwarded')],
  ['a request over TLS, without filters', inRun('work6', 'Fastify'), onNode20('work6')],
  ['p99 latency at 70 % load', ['latency', 'Latency', 'Portico', 'p99 to Fastify'], onNode20('latency, p99')],
  [
    '… with the log written',
    ['latency', 'Latency', 'Portico, log written', 'p99 to Fastify'],
    onNode20('latency, p99, log written'),
  ],
  ['time of a start, with parent and one worker', ...startOf('Portico, parent and 1 worker')],
  ['… with parent and four workers', ...startOf('Portico, parent and 4 workers')],
  ['… in one process', ...startOf('Portico, one process')],
  [
    'a request with metrics, of one without',
    ['metrics', 'What metrics cost', '[metrics] enabled', 'ratio'],
    onNode20('metrics'),
  ],
  [
    '… and with the times of filters',
    ['metrics', 'What metrics cost', '[metrics] enabled and filters', 'ratio'],
    onNode20('metrics, times of filters'),
  ],
];

/** Memory of idle processes. */
const MEMORY: typeof RATIOS = [
  ['Fastify', ...idleOf('Fastify')],
  ['Portico in one process', ...idleOf('Portico, one process, work 1')],
  ['a worker', ...idleOf('Portico, worker, work 1: with its watch thread')],
  ['… with the sample API', ...idleOf('Portico, worker with the sample API (compute, SQLite)')],
  ['the parent', ...idleOf('Portico, parent of one worker')],
];

/** Memory of pods: idle, and after 2,000 requests. */
const PODS: typeof RATIOS = ['Fastify', 'Portico, workers = 0', 'Portico, parent and 1 worker'].map((row) => [
  row.replace('workers = 0', '`workers = 0`'),
  ['pods', 'Memory of a pod', row, 'idle'],
  ['pods', 'Memory of a pod', row, 'after requests'],
]);

const table = (
  title: string,
  rows: typeof RATIOS,
  shown: (cell: Cell | undefined) => string,
  [first, second]: readonly [string, string],
): string =>
  [
    `| ${title} | ${first} | ${second} |`,
    '| --- | --: | --: |',
    ...rows.map(([text, ...cells]) => `| ${text} | ${shown(cells[0])} | ${shown(cells[1])} |`),
  ].join('\n');

const onBoth = (): readonly [string, string] => [`Node ${nodeOfRun()}`, 'Node 20'];

/** Returns docs/stability.md as its results say. */
export function renewCosts(page: string): string {
  const written = page.replace(
    /(<!-- costs -->\n)[\s\S]*?(?=<!-- end -->)/,
    (_, mark: string) =>
      `${mark}\n${table('Portico, of Fastify', RATIOS, ratio, onBoth())}\n\n${table('MiB of an idle process', MEMORY, mebibytes, onBoth())}\n\n${table('MiB of a pod', PODS, mebibytes, ['idle', 'after 2,000 requests'])}\n\n`,
  );
  if (!written.includes('<!-- costs -->')) throw new Error('no place for the costs');
  return written;
}
