import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { test } from 'node:test';
import { type App, compose, Fault, type Filter, transformBody } from 'portico/app';
import { lint, request } from 'portico/testing';
import { holdBody } from '#internal/app';

/** Puts an app behind a filter that reports the length of the body and converts it to upper case. */
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

/** Returns an app that declares its length and writes each piece after the previous one was flushed. */
const pieces =
  (...texts: string[]): App =>
  async (_req, res) => {
    res.setHeader('content-length', texts.join('').length);
    for (const text of texts) await new Promise((resolve) => res.write(text, resolve));
    res.end();
  };

test('a held body is whole before anything is sent, and may change its headers', async () => {
  const answer = await request(lint(capitals(pieces('he', 'llo'))), 'GET', '/');
  assert.deepEqual([answer.text(), answer.headers['x-held']], ['HELLO', '5']);
});

test('S3-1 a held body of another length has its own, whether its app declared one as a number or as a text', async () => {
  const shout =
    (app: App): App =>
    (req, res) => {
      holdBody(res, { limit: 10, wants: () => true, complete: (body) => Buffer.from(`${body.toString()}!`) });
      return app(req, res);
    };
  for (const length of [5, '5']) {
    const app: App = (_req, res) => void res.writeHead(200, { 'content-length': length }).end('hello');
    const answer = await request(lint(shout(app)), 'GET', '/');
    assert.deepEqual([answer.text(), answer.headers['content-length']], ['hello!', '6'], typeof length);
  }
});

test('RV-8 a body over the limit, and one in pieces without a length, is sent as it is', async () => {
  const declared: App = (_req, res) => {
    res.writeHead(200, { 'content-length': 11 });
    res.end('hello world');
  };
  const undeclared: App = (_req, res) => {
    res.writeHead(200).write('hello');
    res.end(' world');
  };
  for (const app of [declared, undeclared, pieces('hello', ' world'), pieces('hello world')]) {
    const answer = await request(lint(capitals(app)), 'GET', '/');
    assert.deepEqual([answer.text(), answer.headers['x-held']], ['hello world', undefined]);
  }
});

test('an app that flushes its headers, and a response that nobody wants held, is not held up', async () => {
  const flushing: App = (_req, res) => {
    res.flushHeaders();
    res.end('hello');
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

test('bodies that are held twice, and go through streams between, come out in their order', async () => {
  const marked =
    (mark: string): Filter =>
    (app) =>
    (req, res) => {
      holdBody(res, { limit: 100, wants: () => true, complete: (body) => Buffer.from(`${body.toString()}${mark}`) });
      return app(req, res);
    };
  const streamed =
    (mark: string): Filter =>
    (app) =>
    (req, res) => {
      transformBody(
        res,
        () =>
          new Transform({
            transform: (chunk, _encoding, done) => done(null, chunk),
            flush(done) {
              this.push(mark);
              done();
            },
          }),
      );
      return app(req, res);
    };
  const filters = [streamed('d'), marked('c'), marked('b')];
  for (const app of [pieces('1', '2'), ((_req, res) => void res.end('12')) as App]) {
    const answer = await request(lint(compose(filters, app)), 'GET', '/');
    assert.deepEqual([answer.status, answer.text()], [200, '12bcd']);
    const streams = await request(lint(compose([...filters, streamed('a')], app)), 'GET', '/');
    assert.deepEqual([streams.status, streams.text()], [200, '12ad']);
  }
  const failing: App = (_req, res) => {
    res.setHeader('content-length', 9);
    res.write('half');
    throw new Fault(409, { message: 'taken' });
  };
  const answer = await request(lint(compose([...filters], failing)), 'GET', '/');
  assert.equal(answer.status, 409);
  assert.match(answer.text(), /taken.*[^a]bcd$/s);
});
