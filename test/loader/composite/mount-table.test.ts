import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lint, request } from 'portico/testing';
import { composed } from '../composed.js';
import { APPS, INI, reached } from './mounted.js';

test('PD-86 mounts with a domain come first; a domain without port takes every port', async (t) => {
  const at = async (host: string) => (await reached(INI, '/v2/x', { host }, t)).name;
  assert.equal(await at('api.example.com'), 'host');
  assert.equal(await at('API.example.com:8774'), 'host');
  assert.equal(await at('other.example.com'), 'v2');
  const onlyPort = INI.replace('domain api.example.com /v2: host\n', '');
  assert.equal((await reached(onlyPort, '/v2/x', { host: 'api.example.com:8774' }, t)).name, 'port');
  assert.equal((await reached(onlyPort, '/v2/x', { host: 'api.example.com:80' }, t)).name, 'v2');
});

test('a mount written with other letters than ASCII takes the path as clients send it', async (t) => {
  const ini = `[composite:main]\npaste.composite_factory = urlmap\n/größe: root\n${APPS}`;
  const { scriptName, url } = await reached(ini, '/gr%C3%B6%C3%9Fe/x', {}, t);
  assert.deepEqual([scriptName, url], ['/gr%C3%B6%C3%9Fe', '/x']);
});

test('a long path costs no more than the longest mount', async (t) => {
  const main = await composed(t, INI);
  const answer = await request(lint(main), 'GET', `/v2${'/a'.repeat(4000)}`);
  assert.equal((answer.json() as { name: string }).name, 'v2');
});
