import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, environ, forwardHeaders } from 'portico/app';
import { correlationId, deadline, requestId } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const GLOBAL = 'req-0f8fad5b-d9cb-469f-a165-70867728950e';

/** Returns the headers that an app behind these filters would forward for a request with these headers, and the request's id. */
async function forwarded(filters: Parameters<typeof compose>[0], headers: Record<string, string | string[]>) {
  let sent: Record<string, string> = {};
  let own: string | undefined;
  const app: App = (req, res) => {
    sent = forwardHeaders(req);
    own = environ(req).requestId;
    res.end();
  };
  await request(lint(compose(filters, app)), 'GET', '/', { headers });
  return { sent, own };
}

async function allFilters(local: Record<string, string> = {}) {
  const made = [
    await buildFilter(requestId),
    await buildFilter(correlationId),
    await buildFilter(deadline, { local: { default_s: '5', ...local } }),
  ];
  return made.map((each) => each.made);
}

test('an outgoing call has the ids of the request, its trace and the time that is left', async () => {
  const headers = { 'x-correlation-id': 'order-17', traceparent: PARENT, tracestate: 'a=1,b=2' };
  const { sent, own } = await forwarded(await allFilters(), headers);
  const { 'x-portico-timeout': left, ...rest } = sent;
  assert.deepEqual(rest, { 'x-request-id': own, ...headers });
  assert.ok(Number(left) > 0 && Number(left) <= 5, left);
});

test('the id that the caller sent goes on to the next service', async () => {
  const { sent, own } = await forwarded(await allFilters(), { 'x-request-id': GLOBAL });
  assert.equal(sent['x-request-id'], GLOBAL);
  assert.notEqual(own, GLOBAL);
});

test('an outgoing call has the name that the filter of ids was given', async () => {
  const ids = await buildFilter(requestId, { local: { header: 'X-Caller-Id' } });
  const { sent } = await forwarded([ids.made], {});
  assert.deepEqual(Object.keys(sent), ['x-caller-id']);
});

test('a deadline that has passed leaves a millisecond, and none is no header', async () => {
  const { made } = await buildFilter(deadline);
  const late: App = (req, res) => {
    environ(req).deadline = performance.now() - 1000;
    assert.deepEqual(forwardHeaders(req), { 'x-portico-timeout': '0.001' });
    res.end();
  };
  assert.equal((await request(lint(made(late)), 'GET', '/')).status, 200);
  assert.deepEqual((await forwarded([], {})).sent, {});
});

for (const traceparent of [
  'nonsense',
  `${PARENT}, ${PARENT}`,
  PARENT.replace(/^00/, 'ff'),
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  PARENT.toUpperCase(),
  `${PARENT}-more`,
]) {
  test(`the trace "${traceparent}" of a client goes no further, and its state neither`, async () => {
    assert.deepEqual((await forwarded([], { traceparent, tracestate: 'a=1' })).sent, {});
  });
}
