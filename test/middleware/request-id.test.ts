import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, environ } from 'portico/app';
import { catchErrors, requestId } from 'portico/middleware';
import { buildFilter, captureLog, lint, request } from 'portico/testing';

const ID = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const THEIRS = 'req-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f';

const telling: App = (req, res) => {
  const { requestId: own, globalRequestId } = environ(req);
  res.end(JSON.stringify({ own, globalRequestId }));
};

test('MW-10 each request gets a new id, which the response has under every name', async () => {
  const { made } = await buildFilter(requestId, { local: { compat_headers: 'x-compute-request-id' } });
  const app = lint(made(telling));
  const first = await request(app, 'GET', '/');
  const second = await request(app, 'GET', '/');
  assert.match(first.json().own, ID);
  assert.equal(first.headers['x-request-id'], first.json().own);
  assert.equal(first.headers['x-compute-request-id'], first.json().own);
  assert.notEqual(first.json().own, second.json().own);
});

test('MW-10 ids are random UUIDs of version 4, each digit of which varies', async () => {
  const { made } = await buildFilter(requestId);
  const app = lint(made(telling));
  const ids = new Set<string>();
  for (let count = 0; count < 400; count++) ids.add((await request(app, 'GET', '/')).json().own as string);
  assert.equal(ids.size, 400);
  for (const id of ids) assert.match(id, /^req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const kinds = Array.from({ length: 40 }, (_, at) => new Set([...ids].map((id) => id[at])).size);
  // The digits of `req-`, hyphens, the version, and the variant.
  assert.equal(
    kinds.map((count) => count.toString(17)).join(''),
    ['1111gggggggg', 'gggg', '1ggg', '4ggg', 'gggggggggggg'].join('1'),
  );
});

test('MW-10 an inbound id of the right form is kept as the global one, never as the own', async () => {
  const { made } = await buildFilter(requestId);
  const response = await request(lint(made(telling)), 'GET', '/', { headers: { 'X-Request-Id': THEIRS } });
  assert.equal(response.json().globalRequestId, THEIRS);
  assert.notEqual(response.json().own, THEIRS);
});

for (const [what, id] of [
  ['with text before it', `x${THEIRS}`],
  ['with text after it', `${THEIRS} x`],
  ['in upper case', THEIRS.toUpperCase()],
  ['without the prefix', THEIRS.slice(4)],
  ['that is far too long', THEIRS.repeat(50)],
] as const) {
  test(`MW-10 an inbound id ${what} is ignored, and counted`, async () => {
    const { log, lines } = captureLog();
    const { made } = await buildFilter(requestId, { log, config: '[DEFAULT]\nfault_style = openstack\n' });
    const headers = { 'X-OpenStack-Request-Id': id };
    const response = await request(lint(made(telling)), 'GET', '/', { headers });
    assert.equal(response.json().globalRequestId, undefined);
    assert.equal(lines.at(-1)?.ignored, 1);
  });
}

test('an id of a proxy is kept as it is, one that a line of the log should not have is ignored', async () => {
  const { made } = await buildFilter(requestId);
  const app = lint(made(telling));
  const kept = async (id: string): Promise<unknown> =>
    (await request(app, 'GET', '/', { headers: { 'x-request-id': id } })).json().globalRequestId;
  for (const id of ['7b445b1549d3779609ec4f9a4e3c3b1f', '01HX-a.b_c:d/e+f=', THEIRS]) assert.equal(await kept(id), id);
  for (const id of ['two words', '"quoted"', '{json}', 'x'.repeat(129)]) assert.equal(await kept(id), undefined);
});

test('MW-10 an API that speaks as OpenStack does has X-OpenStack-Request-Id', async () => {
  const { made } = await buildFilter(requestId, { config: '[DEFAULT]\nfault_style = openstack\n' });
  const { headers } = await request(lint(made(telling)), 'GET', '/');
  assert.match(String(headers['x-openstack-request-id']), ID);
  assert.equal(headers['x-request-id'], undefined);
});

test('MW-10 the option header names the one that carries them', async () => {
  const other = await buildFilter(requestId, { local: { header: 'X-Id' } });
  const two = await request(lint(other.made(telling)), 'GET', '/', { headers: { 'x-id': THEIRS } });
  assert.equal(two.json().globalRequestId, THEIRS);
  assert.equal(two.headers['x-id'], two.json().own);
});

test('MW-10 an id the app set itself stays', async () => {
  const { made } = await buildFilter(requestId, { local: { compat_headers: 'x-compat' } });
  const app: App = (_req, res) => {
    res.writeHead(200, { 'x-request-id': 'mine' }).end();
  };
  const response = await request(lint(made(app)), 'GET', '/');
  assert.equal(response.headers['x-request-id'], 'mine');
  assert.equal(response.headers['x-compat'], 'mine');
});

test('MW-10 errors of the outer layers have the id too, in header and body', async () => {
  const outer = await buildFilter(catchErrors);
  const inner = await buildFilter(requestId);
  const app = compose([outer.made, inner.made], () => {
    throw new Error('oops');
  });
  const response = await request(lint(app), 'GET', '/');
  assert.equal(response.status, 500);
  assert.match(String(response.headers['x-request-id']), ID);
  assert.equal(response.json().error.request_id, response.headers['x-request-id']);
});

for (const local of [{ header: 'request id' }, { compat_headers: 'x-a, x:b' }]) {
  test(`MW-5 ${JSON.stringify(local)} is no header name and refuses to load`, async () => {
    await assert.rejects(async () => buildFilter(requestId, { local }), { code: 'PORTICO_CONFIG_REFUSED' });
  });
}
