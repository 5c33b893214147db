/** Tests that claims of README.md about speed are results of the bench. test/docs/reference.test.ts compares the tables of docs/stability.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../fixtures/project.js';
import { type Cell, figure, inRun, nodeOfRun, onNode20 } from './costs.js';

const WORKS = [
  'work2',
  'work2-logged',
  'work2-forwarded',
  'work2-connections',
  'work3',
  'work3-forwarded',
  'work3-connections',
];

/** The lowest and the highest of some figures, as a sentence has them. */
function range(cells: readonly Cell[]): string {
  const figures = cells.map(figure);
  return `${Math.min(...figures).toFixed(1)} to ${Math.max(...figures).toFixed(1)}`;
}

test('README.md has the ratios of the last run of the bench, and no other numbers about speed', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll(/\s+/g, ' ');
  const start: Cell = ['start', 'Start to first response', 'Portico, parent and 1 worker', 'to Fastify'];
  const slowest = (row: string): string => figure(['latency', 'Latency', row, 'p99 to Fastify']).toFixed(1);
  const claim =
    `takes ${range(WORKS.map((work) => inRun(work)))} times the CPU time of Fastify with the same filters as hooks on ` +
    `Node ${nodeOfRun()}, and ${range(WORKS.map(onNode20))} times on Node 20, with one worker. The start with that worker takes ` +
    `${figure(start).toFixed(1)} times as long. At 70 % load, p99 latency is ` +
    `${slowest('Portico')} times Fastify's without a log, ${slowest('Portico, log written')} times with one`;
  assert.ok(readme.includes(claim), claim);
  const oslo = figure(inRun('work2', 'oslo.service, eventlet'));
  assert.ok(oslo < 0.1 && readme.includes('less than a tenth of the CPU time'), String(oslo));
  const others =
    readme
      .replace(claim, '')
      .match(/[^.|]*\b(?:\d+(?:\.\d+)?|half|twice|third|tenth)\b (?:times|of the|as|%)[^.|]*/g) ?? [];
  assert.deepEqual(
    others.filter((text) => !text.includes('less than a tenth of the CPU time')),
    [],
  );
});

test('docs/stability.md has no number about speed that is not generated', () => {
  const page = readFileSync(join(root, 'docs/stability.md'), 'utf8');
  const costs = page.split(/^## /m).find((part) => part.startsWith('Costs\n')) ?? '';
  assert.match(costs, /<!-- costs -->/);
  const written = costs.replace(/<!-- costs -->[\s\S]*<!-- end -->/, '');
  assert.deepEqual(written.match(/\b\d+(?:\.\d+)?\b/g) ?? [], []);
});
