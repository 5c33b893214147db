import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { type App, afterResponse, beforeHead } from 'portico/app';
import { Server } from 'portico/server';
import { defaultHeader, sendWhole, sentBytes } from '#internal/app';
import { portOf } from '../../server/raw-client.js';

const BODY = '{"name":"é"}';
const LENGTH = Buffer.byteLength(BODY);

interface Case {
  readonly name: string;
  readonly status?: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | undefined;
  readonly method?: string;
  readonly before?: App;
}

const TYPE = { 'content-type': 'application/json', 'content-length': LENGTH };
const CASES: readonly Case[] = [
  { name: 'a value', headers: TYPE, body: BODY },
  { name: 'a header of its own in place of that of a filter', headers: { ...TYPE, 'x-id': 'own' }, body: BODY },
  { name: 'a file name and a list', headers: { ...TYPE, 'content-disposition': 'a; filename="é"' }, body: BODY },
  { name: 'a list of values', headers: { ...TYPE, 'set-cookie': ['a=1', 'b=2'] }, body: BODY },
  { name: 'HEAD', headers: TYPE, body: BODY, method: 'HEAD' },
  { name: 'no body', status: 201, headers: { 'content-length': 0 } },
  { name: 'not modified', status: 304, headers: { etag: '"1"' } },
  {
    name: 'headers that were set before',
    headers: TYPE,
    body: BODY,
    before: (_, res) => void res.setHeader('x-id', 'set'),
  },
  {
    name: 'a listener of the head',
    headers: TYPE,
    body: BODY,
    before: (_, res) => beforeHead(res, () => void res.setHeader('x-late', '1')),
  },
];

test('MW-7 a whole answer goes out as the same head and body that are written in turn', async (t) => {
  const ended: (readonly [sent: number, id: unknown])[] = [];
  let now: Case = CASES[0]!;
  let isWhole = true;
  const server = new Server('whole', (req, res) => {
    const { status = 200, headers, body, before } = now;
    afterResponse(res, () => void ended.push([sentBytes(res), res.getHeader('x-id')]));
    void before?.(req, res);
    defaultHeader(res, 'x-id', 'filter');
    if (isWhole) sendWhole(res, status, headers, body);
    else res.writeHead(status, headers).end(body);
  });
  await server.start();
  t.after(() => server.stop());
  const answer = async (): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${portOf(server)}/`, { method: now.method ?? 'GET' });
    const headers = [...response.headers].filter(([name]) => name !== 'date');
    return { status: response.status, headers, body: await response.text(), ended: ended.pop() };
  };
  for (now of CASES) {
    isWhole = true;
    const whole = await answer();
    isWhole = false;
    assert.deepEqual(whole, await answer(), now.name);
  }
});

test('MW-7 a header that Node refuses fails a whole answer before its head', async (t) => {
  const server = new Server('whole', (_req, res) => sendWhole(res, 200, { 'x-bad': 'a\nb', 'content-length': 1 }, 'a'));
  await server.start();
  t.after(() => server.stop());
  assert.equal((await fetch(`http://127.0.0.1:${portOf(server)}/`)).status, 500);
});
