/** Tests that claims of README.md about speed are results of the bench. test/docs/reference.test.ts compares the tables of docs/stability.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../fixtures/project.js';
import { figure, inRun, nodeOfRun } from './costs.js';

/** Claims of README.md about speed, with the figures of the last run. */
const CLAIMS = [
  `costs ${figure(inRun('work2')).toFixed(1)} times the CPU of Fastify with the same filters as hooks, on Node ${nodeOfRun()}.`,
  `A start takes ${figure(['start', 'Start to first response', 'Portico, parent and 1 worker', 'to Fastify']).toFixed(1)} times as long`,
  'with less than a tenth of the CPU per request behind the same filters',
];

test('README.md has the ratios of the last run of the bench, and no other numbers about speed', () => {
  let readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll(/\s+/g, ' ');
  const oslo = figure(inRun('work2', 'oslo.service, eventlet'));
  assert.ok(oslo < 0.1, String(oslo));
  for (const claim of CLAIMS) {
    assert.ok(readme.includes(claim), claim);
    readme = readme.replace(claim, '');
  }
  const others = /[^.|]*\b(?:\d+(?:\.\d+)?|half|twice|third|tenth)\b (?:times|of the|as|%|MiB|ms)[^.|]*|\bp\d\d\b/g;
  assert.deepEqual(readme.replaceAll(/```.*?```/g, '').match(others) ?? [], []);
});

test('bench/README.md has the memory of the last run', () => {
  const idle = (row: string): number => figure(['memory', 'Resident memory', row, 'idle']);
  const [fastify, worker] = [idle('Fastify'), idle('Portico, worker, work 1: with its watch thread')];
  const sample = idle('Portico, worker with the sample API (compute, SQLite)') - worker;
  const claim =
    `an idle process takes ${(idle('Portico, one process, work 1') - fastify).toFixed(0)} MiB more than Fastify, an idle worker ` +
    `${(worker - fastify).toFixed(0)}; the sample API adds ${Math.round(sample)}.`;
  assert.ok(readFileSync(join(root, 'bench/README.md'), 'utf8').includes(claim), claim);
});

test('docs/stability.md shows a latency with its quartiles, and the version of Node', () => {
  const page = readFileSync(join(root, 'docs/stability.md'), 'utf8');
  assert.match(page, new RegExp(`\\| Portico, of Fastify \\| Node ${nodeOfRun()} \\| Node 20 \\|`));
  const rows = page.split('\n').filter((line) => line.startsWith('| p99 latency'));
  assert.ok(
    rows.length > 0 && rows.every((row) => /\| [\d.]+ \([\d.]+–[\d.]+\) \| [\d.]+ \([\d.]+–[\d.]+\) \|$/.test(row)),
    rows.join(),
  );
});

test('docs/stability.md has no number about speed that is not generated', () => {
  const page = readFileSync(join(root, 'docs/stability.md'), 'utf8');
  const costs = page.split(/^## /m).find((part) => part.startsWith('Costs\n')) ?? '';
  assert.match(costs, /<!-- costs -->/);
  const written = costs.replace(/<!-- costs -->[\s\S]*<!-- end -->/, '');
  assert.deepEqual(written.match(/\b\d+(?:\.\d+)?\b/g) ?? [], []);
});
