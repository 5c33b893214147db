/** The parts of pages, and the file of the status page. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { html, statusPage } from '../../dist/operating/page/frame.js';

test('a template escapes all values but what another template made', () => {
  const inner = html`<b>${'<&>"\''}</b>`;
  assert.equal(
    html`<p title="${'"'}">${[inner, undefined, 1]}</p>`.text,
    '<p title="&#34;"><b>&#60;&#38;&#62;&#34;&#39;</b>1</p>',
  );
});

test('OP-55 the status page is a file, served as it is; a browser runs its script and style, and loads nothing else', async () => {
  const file = readFileSync(join(import.meta.dirname, '..', '..', 'assets', 'status.html'), 'utf8');
  const { status, body, headers } = statusPage();
  assert.equal(status, 200);
  assert.equal(body, file);
  const digest = (pattern: RegExp): string =>
    `'sha256-${createHash('sha256').update(pattern.exec(file)![1]!).digest('base64')}'`;
  const [style, script] = [digest(/<style>(.*)<\/style>/s), digest(/<script>(.*)<\/script>/s)];
  assert.equal(
    headers['content-security-policy'],
    `default-src 'none'; style-src ${style}; script-src ${script}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.doesNotMatch(file, /(?:src|href)="(?![#/])/, 'nothing from outside');
  assert.doesNotMatch(file, /innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write|\beval\b/);
});
