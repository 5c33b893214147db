/** Tests nova's URL map with real requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lint, request } from 'portico/testing';
import { composed } from '../composed.js';

const INI = `[composite:main]
paste.composite_factory = versionedUrlmap
/: root
/v2.1: document
/v2.1/+: api
/v2: old
/v: old
/vault: vault
/vault/x: vault
${['root', 'document', 'api', 'old', 'vault'].map((name) => `[app:${name}]\npaste.app_factory = echo\nname = ${name}\n`).join('')}`;

test('PD-90 a mount with a plus takes what is below it, its script name without the plus', async (t) => {
  const app = await composed(t, INI);
  const rows: [path: string, name: string, scriptName: string, url: string][] = [
    ['/v2.1', 'document', '/v2.1', '/'],
    ['/v2.1/', 'document', '/v2.1', '/'],
    ['/v2.1/servers', 'api', '/v2.1', '/servers'],
    ['/v2.10', 'root', '', '/v2.10'],
  ];
  for (const [path, name, scriptName, url] of rows) {
    const { bestContentType, originalUrl, ...rest } = (await request(lint(app), 'GET', path)).json();
    assert.deepEqual(rest, { name, scriptName, url }, path);
    assert.deepEqual([bestContentType, originalUrl], ['application/json', path]);
  }
});

test('PD-91 the best content type: suffix, then Accept, then JSON; feeds for the index of a version', async (t) => {
  const app = await composed(t, INI);
  const best = async (path: string, accept: string) =>
    (await request(lint(app), 'GET', path, { headers: { accept } })).json().bestContentType as string;
  assert.equal(await best('/v2.1/servers.json', 'application/vnd.openstack.compute+json'), 'application/json');
  assert.equal(
    await best('/v2.1/servers.xml', 'application/vnd.openstack.compute+json'),
    'application/vnd.openstack.compute+json',
  );
  assert.equal(
    await best('/v2.1/x', 'application/*;q=0.8, application/vnd.openstack.compute+json;q=0.9'),
    'application/vnd.openstack.compute+json',
  );
  assert.equal(await best('/v2.1/x', 'application/json;q=high, text/html'), 'application/json');
  assert.equal(await best('/', 'application/atom+xml'), 'application/atom+xml');
  assert.equal(await best('/v2/', 'application/atom+xml'), 'application/atom+xml');
  assert.equal(await best('/v2/x', 'application/atom+xml'), 'application/json');
});

test('PD-92 a version in Content-Type or Accept chooses the mount where the path does not; the path stays whole', async (t) => {
  const app = await composed(t, INI);
  const reached = async (path: string, headers: Record<string, string>) => {
    const { name, scriptName, url } = (await request(lint(app), 'GET', path, { headers })).json();
    return [name, scriptName, url];
  };
  assert.deepEqual(await reached('/servers', { accept: 'application/json;version=2' }), ['old', '/v2', '/servers']);
  assert.deepEqual(await reached('/servers', { 'content-type': 'application/json; version="2.1"' }), [
    'document',
    '/v2.1',
    '/servers',
  ]);
  assert.deepEqual(await reached('/servers', { accept: 'application/json;version=9' }), ['root', '', '/servers']);
  for (const version of ['ault', '"ault/x"', '2/x', '"2.1/+"', '2.1/', 'ault/', '', '2?', '"/ault"', '../vault']) {
    for (const name of ['content-type', 'accept']) {
      const seen = await reached('/servers', { [name]: `application/json;version=${version}` });
      assert.deepEqual(seen, ['root', '', '/servers'], `${name} ${version}`);
    }
  }
  assert.deepEqual(await reached('/v2.1/x', { accept: 'application/json;version=2' }), ['api', '/v2.1', '/x']);
});
