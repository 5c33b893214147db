import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, requestPath } from 'portico/app';
import { request } from 'portico/testing';
import { encodedPath, methodsOf, overriddenMethod, writtenPath } from '#internal/app';

test('all spellings of a path are one text, the same for a request and for what an operator wrote', async () => {
  const app: App = (req, res) => void res.end(requestPath(req));
  const spellings: [written: string, path: string][] = [
    ['/a%20b', '/a b'],
    ['//a///b//', '/a/b/'],
    ['/caf%C3%A9', '/café'],
    ['/caf%c3%a9', '/café'],
    ['/a%2Fb', '/a/b'],
    ['/a%2', '/a%2'],
    ['/a%ZZ%41', '/a%ZZA'],
    ['/a+b', '/a+b'],
    ['/%FF', '/\ufffd'],
  ];
  for (const [written, path] of spellings) {
    assert.equal((await request(app, 'GET', `${written}?q=/x`)).text(), path, written);
    assert.equal(writtenPath(written), path, written);
  }
  assert.equal(writtenPath('/café'), '/café');
  assert.equal(encodedPath('/café/a b@1'), '/caf%C3%A9/a%20b@1');
});

test('a path is the whole one below a mount, and without what a proxy has taken off', async () => {
  const app: App = (req, res) => {
    const env = environ(req);
    env.scriptName = '/proxy/v2';
    const whole = requestPath(req);
    env.forwardedPrefix = '/proxy';
    res.end(JSON.stringify([whole, requestPath(req)]));
  };
  assert.deepEqual((await request(app, 'GET', '/servers')).json(), ['/proxy/v2/servers', '/v2/servers']);
});

test('the query may name another method for any request, a form only for POST, and the last one counts', () => {
  const form = { contentType: 'application/x-www-form-urlencoded; charset=utf-8', form: '_method=put&_method=delete' };
  assert.equal(overriddenMethod({ method: 'GET', query: '_method=put' }), 'PUT');
  assert.equal(overriddenMethod({ method: 'POST', query: 'a=1', ...form }), 'DELETE');
  assert.equal(overriddenMethod({ method: 'GET', query: '', ...form }), 'GET');
  assert.equal(overriddenMethod({ method: 'POST', query: '_method=', ...form }), 'POST');
  for (const contentType of [
    'text/plain',
    'Application/X-WWW-Form-Urlencoded',
    'application/x-www-form-urlencoded ;a=b',
  ]) {
    assert.equal(overriddenMethod({ method: 'POST', query: '', ...form, contentType }), 'POST', contentType);
  }
});

test('RT-103 a semicolon separates fields of the query, but not of a form', () => {
  assert.equal(overriddenMethod({ method: 'GET', query: 'a=1;_method=put;b=2' }), 'PUT');
  const contentType = 'application/x-www-form-urlencoded';
  assert.equal(overriddenMethod({ method: 'POST', query: '', contentType, form: '_method=put;b=2' }), 'PUT;B=2');
});

test('RT-103 a query that is no UTF-8 names no method', () => {
  for (const query of ['_method=%ff', '_method=PUT&a=%C3', '_method=PUT&a=%C3&b=%A9', '_method=PUT&a=%ED%A0%80']) {
    assert.equal(overriddenMethod({ method: 'GET', query }), 'GET', query);
  }
  for (const query of ['_method=PUT&a=%EF%BF%BD', '_method=PUT&a=%zz%C3%A9%']) {
    assert.equal(overriddenMethod({ method: 'GET', query }), 'PUT', query);
  }
});

test('MW-24 who lets only some methods pass sees that of the query beside the own one', async () => {
  const app: App = (req, res) => void res.end(methodsOf(req).join());
  assert.equal((await request(app, 'POST', '/a?_method=delete')).text(), 'POST,DELETE');
  assert.equal((await request(app, 'PUT', '/a?_method=PUT')).text(), 'PUT');
  assert.equal((await request(app, 'PUT', '/_method=DELETE')).text(), 'PUT');
});
