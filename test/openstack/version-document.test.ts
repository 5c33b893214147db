import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environ } from 'portico/app';
import { documentApp, versionDocument } from 'portico/openstack';
import { serveApp } from '../routing/served-router.js';

test('a document is served at the very place it is mounted at, and nowhere below', async (t) => {
  const app = await documentApp((request) => ({ self: request.url('root') }), { faultStyle: 'openstack' });
  const send = await serveApp(t, (req, res) => {
    const url = req.url ?? '';
    environ(req).scriptName = '/v2.1';
    req.url = url.slice('/v2.1'.length);
    return app(req, res);
  });
  t.after(() => app.close());
  assert.equal(typeof app.close, 'function');
  const root = `http://127.0.0.1:${send.port}/v2.1/`;
  assert.deepEqual((await send('GET', '/v2.1')).json, { self: root });
  assert.deepEqual((await send('GET', '/v2.1/')).json, { self: root });
  assert.deepEqual((await send('GET', '/v2.1?a=b')).json, { self: root });
  const head = await send('HEAD', '/v2.1');
  assert.deepEqual([head.status, head.text], [200, '']);
  const post = await send('POST', '/v2.1');
  assert.deepEqual([post.status, Object.keys(post.json as object)], [405, ['badMethod']]);
  assert.equal((await send('GET', '/v2.1/below')).status, 404);
});

test('RT-173 the version document', () => {
  const versions = { serviceType: 'compute', min: '2.1', max: '2.79' };
  const links = [{ rel: 'self', href: 'http://a/v2.1/' }];
  assert.deepEqual(versionDocument(versions, { id: 'v2.1', updated: '2013-07-23T11:33:21Z', links }), {
    id: 'v2.1',
    status: 'CURRENT',
    version: '2.79',
    min_version: '2.1',
    updated: '2013-07-23T11:33:21Z',
    links,
  });
});
