import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { request } from 'portico/testing';
import { preferredEncoding, preferredType } from '#internal/app';

const TYPES = ['application/json', 'text/html', 'text/plain'] as const;

test('of the types that a client accepts it gets the one that it likes best, the first of ours where it does not say', async () => {
  const app: App = (req, res) => void res.end(preferredType(req, TYPES) ?? 'none');
  const type = async (accept?: string): Promise<string> =>
    (await request(app, 'GET', '/', { headers: accept === undefined ? {} : { accept } })).text();
  for (const any of [undefined, '', ' ', '*/*', 'application/*', 'application/json, text/plain']) {
    assert.equal(await type(any), 'application/json', any);
  }
  for (const plain of ['text/plain', 'text/plain, application/json']) assert.equal(await type(plain), 'text/plain');
  assert.equal(await type('text/*;q=0.5, text/plain;q=0.4'), 'text/html');
  assert.equal(await type('text/plain;q=0.9, text/html;q=0.1'), 'text/plain');
  for (const none of ['image/png', 'application/json;q=0', 'nonsense']) assert.equal(await type(none), 'none', none);
});

test('of the codings that a client accepts it gets the one that it likes best, and none where it says nothing', async () => {
  const app: App = (req, res) => void res.end(preferredEncoding(req, ['br', 'gzip']));
  const coding = async (accept?: string): Promise<string> =>
    (await request(app, 'GET', '/', { headers: accept === undefined ? {} : { 'accept-encoding': accept } })).text();
  assert.equal(await coding(), 'identity');
  assert.equal(await coding('gzip, br'), 'br');
  assert.equal(await coding('gzip;q=1, br;q=0.5'), 'gzip');
  assert.equal(await coding('gzip;q=0, br;q=0'), 'identity');
  assert.equal(await coding('identity, gzip;q=0.5'), 'identity');
  assert.equal(await coding('zstd'), 'identity');
});
