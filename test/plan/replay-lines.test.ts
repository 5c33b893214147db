/** Requests in lines of access logs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, loggedRequest } from '../../dist/plan/replay-lines.js';

const NOTHING = { version: null, userAgent: null, api: null, port: null };

test('plan --replay reads lines of request_log, as JSON and as text, and the combined format of nginx and Apache', () => {
  const json =
    '{"level":"info","service":"hotel","remote":"192.0.2.7","method":"GET","target":"/rooms?limit=1","status":406,"asked_version":"9.9","user_agent":"curl/8.5","msg":"request"}';
  const get = { method: 'GET', target: '/rooms?limit=1' };
  assert.deepEqual(loggedRequest(json), {
    ...get,
    status: 406,
    version: '9.9',
    userAgent: 'curl/8.5',
    api: 'hotel',
    port: null,
  });
  const text =
    '192.0.2.7 "GET /rooms?limit=1 HTTP/1.1" status: 200 len: 84 time: 0.001200 microversion: 2.1 route: /rooms [req-1 - - -]';
  assert.deepEqual(loggedRequest(text), { ...NOTHING, ...get, status: 200, version: '2.1', route: '/rooms' });
  for (const [written, route] of [
    ['/rooms', '/rooms'],
    ['-', null],
  ] as const)
    assert.equal(loggedRequest(json.replace('"status"', `"route":"${written}","status"`))?.route, route);
  assert.deepEqual(loggedRequest(JSON.stringify({ level: 'info', msg: text })), loggedRequest(text));
  const short = '12:00:01 INFO hotel: GET /rooms?limit=1 200 84 B 1.2 ms req-1';
  assert.deepEqual(loggedRequest(short), { ...NOTHING, ...get, status: 200 });
  const combined =
    '192.0.2.7 - ann [30/Nov/2026:10:00:00 +0000] "GET /rooms?limit=1 HTTP/1.1" 404 84 "-" "Mozilla/5.0 (X11; \\"x\\")"';
  assert.deepEqual(loggedRequest(combined), {
    ...NOTHING,
    ...get,
    status: 404,
    userAgent: 'Mozilla/5.0 (X11; \\"x\\")',
  });
  assert.deepEqual(loggedRequest(`api.example:8774 ${combined}`)?.port, 8774);
});

test('plan --replay passes lines that have no request', () => {
  for (const line of [
    '',
    'x',
    '{',
    '{"msg":"ready"}',
    '{"method":"GET"}',
    '- - "\\x16\\x03" 400 0 "-" "-"',
    '"GET x" 200 1',
  ]) {
    assert.equal(loggedRequest(line), undefined, line);
  }
});

test('plan --replay takes lines apart wherever a part of the log ends, and keeps none that does not end', async () => {
  const parts = async function* (texts: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield Buffer.from(text, 'latin1');
  };
  const read = async (texts: readonly string[]): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of linesOf(parts(texts))) lines.push(line);
    return lines;
  };
  assert.deepEqual(await read(['a\nb', 'c\n', '\nd']), ['a', 'bc', '', 'd']);
  const [long] = await read(Array.from({ length: 200 }, () => 'x'.repeat(10_000)));
  assert.ok(long!.length < 100_000);
});
