/** What the status page is made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chart } from '../../dist/launch/page/chart.js';
import { html } from '../../dist/launch/page/html.js';

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
  assert.match(text, /Requests over the last 10 minutes: now all 2; at most 2/);
});
