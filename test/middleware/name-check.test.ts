import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { nameCheck } from 'portico/middleware';
import { buildFilter, lint } from 'portico/testing';
import { rawRequest } from '#internal/testing';

const app: App = (_req, res) => {
  res.end('done');
};

const CASES: [path: string, strict: boolean, status: number][] = [
  ['/servers/1?x=..%00', false, 200],
  ['/a%20b/%C3%A9', false, 200],
  ['/a%00', false, 400],
  ['/a%0d%0ab', false, 400],
  ['/a%7f', false, 400],
  ['/a%', false, 400],
  ['/a%zz', false, 400],
  ['/a%ff', false, 400],
  ['/a/../b', false, 400],
  ['/a/./b', false, 400],
  ['/a/%2e%2e/b', false, 400],
  ['/a/..%2fb', false, 400],
  ['/a/...', false, 200],
  ['/a%252fb', false, 200],
  ['/a%252fb', true, 400],
  ['/a%25252Fb', true, 400],
  ['/a%2fb', true, 200],
  [`/${'x'.repeat(255)}`, false, 200],
  [`/${'x'.repeat(256)}`, false, 400],
  [`/${'x/'.repeat(4095)}`, false, 200],
  [`/${'x/'.repeat(4096)}`, false, 400],
];
for (const [path, strict, status] of CASES) {
  test(`MW-23 ${path.slice(0, 20)} of ${path.length} bytes, ${strict ? 'strict: ' : ''}${status}`, async () => {
    const { made } = await buildFilter(nameCheck, { local: { strict: String(strict) } });
    const answer = await rawRequest(lint(made(app)), `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.equal(answer.slice(9, 12), String(status));
  });
}
