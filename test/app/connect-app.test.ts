/** Express under a mount: what it reads of its request is what one of its own mounts leaves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import express from 'express';
import { type App, compose } from 'portico/app';
import { Router } from 'portico/routing';
import { request } from 'portico/testing';

function application() {
  const app = express();
  app.get('/', (req, res) => void res.json(['root', req.baseUrl, req.originalUrl, req.url]));
  app.get('/things', (req, res) => void res.json([req.baseUrl, req.originalUrl, req.url, req.path]));
  app.get('/old', (req, res) => res.redirect(`${req.baseUrl}/things`));
  app.use(
    '/sub',
    express.Router().get('/x', (req, res) => void res.json([req.baseUrl, req.originalUrl, req.url])),
  );
  return app;
}

const PATHS = ['/v1/things?a=1', '/v1/sub/x?b', '/v1/old', '/v1', '/v1/', '/v1?a'];

const MOUNTED: Record<string, () => Promise<App>> = {
  'of a Router': () => new Router().mount('/v1', application() as App).build(),
  'of a Router, behind filters': () =>
    new Router().mount('/v1', compose([(inner) => inner], application() as App)).build(),
};

for (const [where, build] of Object.entries(MOUNTED)) {
  test(`an Express app behind a mount ${where} sees what a mount of Express shows it`, async () => {
    const app = await build();
    const outer = express();
    outer.use('/v1', application());
    for (const path of PATHS) {
      const [ours, theirs] = [await request(app, 'GET', path), await request(outer as App, 'GET', path)];
      assert.deepEqual(
        [ours.status, ours.headers.location, String(ours.body)],
        [theirs.status, theirs.headers.location, String(theirs.body)],
        path,
      );
    }
  });
}
