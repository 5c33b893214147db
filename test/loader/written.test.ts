/** Tests reading an app as written in its paste file, without importing modules. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { temporaryFolder } from '../fixtures/keeper.js';

const FILE = `
[composite:main]
use = portico/loader:urlmap
/: front
/v2: v2
/old: chosen
/again: main

[pipeline:front]
pipeline = log front_app

[filter-app:v2]
paste.filter_factory = ./none.js:filter
next = alias

[app:alias]
use = deep
colour = front

[pipeline:deep]
pipeline = log auth main2

[composite:main2]
use = portico/loader:urlmap
/x = front_app

[composite:chosen]
use = portico/loader:byOption
noauth = log front_app
keystone = log auth front_app

[app:front_app]
paste.app_factory = ./none.js:app

[filter:log]
paste.filter_factory = ./none.js:filter

[filter:auth]
paste.filter_factory = ./none.js:filter
`;

test('OP-55 pipelines, branches of composites, lists they choose from, and what a section takes by use', () => {
  const path = join(temporaryFolder('portico-written-'), 'api-paste.ini');
  writeFileSync(path, FILE);
  const front = { name: 'front_app' };
  const main2 = { name: 'main2', branches: [{ at: '/x', app: front }] };
  const deep = { name: 'deep', pipeline: 'deep', filters: ['log', 'auth'], inner: main2 };
  const chosen = [
    { at: 'noauth', app: { name: 'noauth', pipeline: 'chosen', filters: ['log'], inner: front } },
    { at: 'keystone', app: { name: 'keystone', pipeline: 'chosen', filters: ['log', 'auth'], inner: front } },
  ];
  assert.deepEqual(new Loader(path).writtenApp('main'), {
    name: 'main',
    branches: [
      { at: '/', app: { name: 'front', pipeline: 'front', filters: ['log'], inner: front } },
      { at: '/v2', app: { name: 'v2', pipeline: 'v2', filters: ['v2'], inner: { name: 'alias', inner: deep } } },
      { at: '/old', app: { name: 'chosen', branches: chosen } },
      { at: '/again', app: { name: 'main' } },
    ],
  });
});
