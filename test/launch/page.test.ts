/** The building blocks of the status page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chart, charts } from '../../dist/launch/page/charts.js';
import { html } from '../../dist/launch/page/frame.js';
import { pipelinePicture } from '../../dist/launch/page/pipeline-picture.js';
import { Totals } from '../../dist/metrics/index.js';

test('a template escapes all values but what another template made', () => {
  const inner = html`<b>${'<&>"\''}</b>`;
  assert.equal(
    html`<p title="${'"'}">${[inner, undefined, 1]}</p>`.text,
    '<p title="&#34;"><b>&#60;&#38;&#62;&#34;&#39;</b>1</p>',
  );
});

test('a chart has its newest value at the right, and a gap where there is none', () => {
  const lines = [{ name: 'all', style: '', values: [1, undefined, 2, 2] }];
  const { text } = chart('Requests', lines, { points: 5, minutes: 10, shown: String });
  assert.match(text, /d="M150\.0 68\.0M450\.0 17\.0L600\.0 17\.0"/);
  assert.match(text, /Requests over the last 10 min: now all 2; at most 2/);
});

test('DO-2 a chart says what time it shows, and a minute or two take its whole width', () => {
  const stretch = { rate: 1, failed: 0, median: 0.1, slow: 0.2 };
  const labels = (count: number) =>
    [...charts(Array.from({ length: count }, () => stretch)).text.matchAll(/text-anchor="\w+">([^<]*)</g)]
      .map(([, label]) => label)
      .slice(0, 3);
  assert.deepEqual(labels(1), ['60 s ago', '30 s ago', 'now']);
  assert.deepEqual(labels(24), ['2 min ago', '60 s ago', 'now']);
  assert.deepEqual(labels(120), ['10 min ago', '5 min ago', 'now']);
  assert.match(charts(Array.from({ length: 24 }, () => stretch)).text, /d="M0\.0 /);
});

test('DO-2 a long name of a branch is whole, and in its box', () => {
  const at = 'https://images.example.org:8774/v2.1/{project}';
  const { text } = pipelinePicture('hello', { name: 'main', branches: [{ at, app: { name: 'app' } }] }, new Totals([]));
  assert.ok(text.includes(`>${at}</text>`));
  const [, width] = /<rect class="place" [^>]*width="(\d+)"/.exec(text)!;
  assert.ok(Number(width) > 7 * at.length);
});

test('OP-55 the picture of an API has a line for each branch, and on each filter its own time and errors', () => {
  const app = { name: 'app' };
  const piped = { name: 'piped', pipeline: 'piped', filters: ['log'], inner: app };
  const planned = {
    name: 'main',
    branches: [
      { at: '/', app },
      { at: '/v2<', app: piped },
    ],
  };
  const totals = new Totals([1]);
  const counted = (metric: 'filters' | 'filterErrors', more: string[], counts: number[], sum: number) => ({
    metric,
    labels: ['piped', 'log', ...more],
    counts,
    sum,
  });
  const series = [counted('filters', ['in'], [2], 0.000_02), counted('filterErrors', [], [], 1)];
  totals.add('hello', { buckets: [1], series });
  totals.add('other', { buckets: [1], series });
  const { text } = pipelinePicture('hello', planned, totals);
  assert.match(
    text,
    /aria-label="Pipeline hello: main \(at \/ to app, at \/v2&#60; to log in 10 µs 2 req, 1 err; app\)"/,
  );
  const names = [...text.matchAll(/y="(\d+)">([^<]*)<\/text>/g)].map(([, y, name]) => [Number(y), name]);
  assert.deepEqual(names, [
    [35, 'main'],
    [35, '/'],
    [35, 'app'],
    [109, '/v2&#60;'],
    [95, 'log'],
    [112, 'in 10 µs'],
    [127, '2 req, 1 err'],
    [109, 'app'],
  ]);
  assert.match(text, /<rect class="filter errors"/);
});
