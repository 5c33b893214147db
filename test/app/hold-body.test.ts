import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type App, holdBody } from 'portico/app';
import { lint, request } from 'portico/testing';

/** The app behind a filter that says how long a body is, and puts it in capitals. */
const capitals =
  (app: App, wants: (res: ServerResponse) => boolean = () => true): App =>
  (req, res) => {
    holdBody(res, {
      limit: 10,
      wants,
      complete: (body) => {
        res.setHeader('x-held', String(body.length));
        return Buffer.from(body.toString().toUpperCase());
      },
    });
    return app(req, res);
  };

/** Writes its pieces, and tells when each was taken. */
const pieces =
  (...texts: string[]): App =>
  async (_req, res) => {
    for (const text of texts) await new Promise((resolve) => res.write(text, resolve));
    res.end();
  };

test('a held body is whole before anything is sent, and may change its headers', async () => {
  const answer = await request(lint(capitals(pieces('he', 'llo'))), 'GET', '/');
  assert.deepEqual([answer.text(), answer.headers['x-held']], ['HELLO', '5']);
});

test('a body over the limit is sent as it is, whether its length was declared or shows by and by', async () => {
  const declared: App = (_req, res) => {
    res.writeHead(200, { 'content-length': 11 });
    res.end('hello world');
  };
  for (const app of [declared, pieces('hello', ' world'), pieces('hello world')]) {
    const answer = await request(lint(capitals(app)), 'GET', '/');
    assert.deepEqual([answer.text(), answer.headers['x-held']], ['hello world', undefined]);
  }
});

test('an app that flushes its head, and a response that nobody wants held, is not held up', async () => {
  const flushing: App = async (req, res) => {
    res.flushHeaders();
    await pieces('hello')(req, res);
  };
  assert.equal((await request(lint(capitals(flushing)), 'GET', '/')).text(), 'hello');
  const asked: number[] = [];
  const unwanted = capitals(
    (_req, res) => void res.writeHead(404).end('no'),
    (res) => {
      asked.push(res.statusCode);
      return false;
    },
  );
  assert.equal((await request(lint(unwanted), 'GET', '/')).text(), 'no');
  assert.deepEqual(asked, [404]);
});
