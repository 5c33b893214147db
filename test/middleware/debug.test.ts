import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, RequestContext } from 'portico/app';
import { debug } from 'portico/middleware';
import { buildFilter, captureLog, lint, request } from 'portico/testing';

test('MW-49 it logs request, response and body chunks, masked', async () => {
  const { log, lines, text } = captureLog();
  const { made } = await buildFilter(debug, { log, config: '[DEFAULT]\ndebug = true\n' });
  const app: App = (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'c=s3cret' });
    res.write('{"a":');
    res.end('1}');
  };
  const headers = { authorization: 's3cret' };
  const response = await request(lint(made(app)), 'GET', '/?token=s3cret', { headers });
  assert.equal(response.text(), '{"a":1}');
  const messages = lines.map(({ msg }) => msg);
  assert.deepEqual(messages, ['request', 'response', 'body', 'body']);
  assert.ok(!text().includes('s3cret'));
});

test('MW-49 bodies that are no text are only measured', async () => {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(debug, { log, config: '[DEFAULT]\ndebug = true\n' });
  const app: App = (_req, res) => {
    res.end(Buffer.from([1, 2, 3]));
  };
  await request(lint(made(app)), 'GET', '/');
  assert.equal(lines.at(-1)?.bytes, 3);
});

test('MW-49 MW-12 a context that carries its token does not take it into the log', async () => {
  const { log, lines, text } = captureLog();
  const { made } = await buildFilter(debug, { log, config: '[DEFAULT]\ndebug = true\n' });
  const inner = made((_req, res) => void res.end());
  const app: App = (req, res) => {
    environ(req).context = new RequestContext({ userId: 'u', token: 's3cret', carryToken: true });
    return inner(req, res);
  };
  await request(lint(app), 'GET', '/');
  assert.equal((lines[0]!.context as { user_id?: string }).user_id, 'u');
  assert.ok(!text().includes('s3cret'));
});
