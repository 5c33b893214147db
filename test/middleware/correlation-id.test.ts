import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ } from 'portico/app';
import { correlationId } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';

const UUID = /^[0-9a-f-]{36}$/;
const app: App = (req, res) => {
  res.end(environ(req).correlationId);
};

test('MW-11 a correlation id is taken as it is, or made where it is missing or of the wrong form', async () => {
  const { made } = await buildFilter(correlationId);
  const sent = async (id?: string): Promise<string> =>
    (
      await request(lint(made(app)), 'GET', '/', { headers: id === undefined ? {} : { 'X-Correlation-Id': id } })
    ).text();
  assert.equal(await sent('abc:1.2_3-X'), 'abc:1.2_3-X');
  for (const bad of [undefined, '', 'with space', 'x'.repeat(129), 'é']) assert.match(await sent(bad), UUID);
  assert.equal(await sent('x'.repeat(128)), 'x'.repeat(128));
});

test('MW-11 the app finds the id in the request header too, also in place of an invalid one', async () => {
  const { made } = await buildFilter(correlationId);
  const telling: App = (req, res) => {
    const raw = req.rawHeaders.filter((_, at) => req.rawHeaders[at - 1]?.toLowerCase() === 'x-correlation-id');
    res.end(JSON.stringify({ id: environ(req).correlationId, header: req.headers['x-correlation-id'], raw }));
  };
  for (const headers of [{}, { 'x-correlation-id': 'abc' }, { 'X-Correlation-Id': 'two words' }]) {
    const { id, header, raw } = (await request(lint(made(telling)), 'GET', '/', { headers })).json();
    assert.deepEqual([header, raw], [id, [id]]);
  }
});

test('MW-11 it is not echoed', async () => {
  const { made } = await buildFilter(correlationId);
  const { headers } = await request(lint(made(app)), 'GET', '/', { headers: { 'x-correlation-id': 'abc' } });
  assert.equal(headers['x-correlation-id'], undefined);
});
