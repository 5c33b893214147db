import assert from 'node:assert/strict';
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type App, beforeHead, compose, type Filter } from 'portico/app';
import { lint, request } from 'portico/testing';
import { rawRequest } from '#internal/testing';

const listening =
  (listener: (res: ServerResponse) => unknown): Filter =>
  (app) =>
  (req, res) => {
    beforeHead(res, listener);
    return app(req, res);
  };

/** The ways in which apps write headers. */
const HEADS: Record<string, (res: ServerResponse) => void> = {
  'writeHead(status, headers)': (res) => res.writeHead(201, { 'Content-Type': 'text/a', 'x-n': 7 }).end('hello'),
  'writeHead(status, message, headers)': (res) =>
    res.writeHead(201, 'Made', { 'Content-Type': 'text/a', 'x-n': 7 }).end('hello'),
  'writeHead(status, flat array)': (res) => res.writeHead(201, ['Content-Type', 'text/a', 'x-n', '7']).end('hello'),
  'writeHead(status, pairs)': (res) =>
    res
      .writeHead(201, [
        ['Content-Type', 'text/a'],
        ['x-n', '7'],
      ] as unknown as OutgoingHttpHeader[])
      .end('hello'),
  'writeHead(status, message, array)': (res) =>
    res.writeHead(201, 'Made', ['Content-Type', 'text/a', 'x-n', '7']).end('hello'),
  'setHeader and end': (res) => {
    res.statusCode = 201;
    res.setHeader('Content-Type', 'text/a').setHeader('x-n', 7).end('hello');
  },
  'setHeader and write': (res) => {
    res.statusCode = 201;
    res.setHeader('Content-Type', 'text/a').setHeader('x-n', 7).write('hello');
    res.end();
  },
  'setHeader and flushHeaders': (res) => {
    res.statusCode = 201;
    res.setHeader('Content-Type', 'text/a').setHeader('x-n', 7).flushHeaders();
    res.end('hello');
  },
  'setHeader, overridden by writeHead': (res) => {
    res.setHeader('content-type', 'text/b');
    res.writeHead(201, { 'Content-Type': 'text/a', 'x-n': 7 }).end('hello');
  },
};

for (const [how, write] of Object.entries(HEADS)) {
  test(`MW-7 listeners see and change status and headers of ${how}`, async () => {
    const seen: unknown[] = [];
    const filter = listening((res) => {
      seen.push(res.statusCode, res.getHeader('content-type'), Number(res.getHeader('x-n')));
      res.statusCode = 202;
      res.removeHeader('x-n');
      res.setHeader('x-outer', 'yes');
    });
    const response = await request(lint(filter((_req, res) => write(res))), 'GET', '/');
    assert.deepEqual(seen, [201, 'text/a', 7]);
    assert.equal(response.status, 202);
    assert.equal(response.statusMessage, 'Accepted');
    assert.equal(response.headers['x-n'], undefined);
    assert.equal(response.headers['x-outer'], 'yes');
    assert.equal(response.text(), 'hello');
  });
}

test('MW-7 listeners run in reverse order and once, so an outer filter has the last word', async () => {
  const order: string[] = [];
  const named = (name: string): Filter =>
    listening((res) => {
      order.push(name);
      res.setHeader('x-last', name);
    });
  const app: App = (_req, res) => {
    res.write('a');
    res.write('b');
    res.end('c');
  };
  const response = await request(lint(compose([named('outer'), named('middle'), named('inner')], app)), 'GET', '/');
  assert.deepEqual(order, ['inner', 'middle', 'outer']);
  assert.equal(response.headers['x-last'], 'outer');
  assert.equal(response.text(), 'abc');
});

test('a listener may register another, which runs next', async () => {
  const order: string[] = [];
  const app: App = (_req, res) => {
    beforeHead(res, () => order.push('outer'));
    beforeHead(res, (again) => {
      order.push('inner');
      beforeHead(again, () => order.push('added'));
    });
    res.end();
  };
  await request(lint(app), 'GET', '/');
  assert.deepEqual(order, ['inner', 'added', 'outer']);
});

test('a listener that throws is a failure of the app, and the outer listeners still see the response to it', async () => {
  const filters = [
    listening((res) => res.setHeader('x-outer', res.statusCode)),
    listening(() => {
      throw new Error('inner listener');
    }),
  ];
  const app: App = (_req, res) => {
    res.writeHead(200, { 'content-length': 5 }).end('hello');
  };
  const response = await request(lint(compose(filters, app)), 'GET', '/');
  assert.equal(response.status, 500);
  assert.equal(response.headers['x-outer'], '500');
});

test('a listener that returns a promise fails the request, and says why', async () => {
  const app: App = (_req, res) => void res.end('never');
  const reason = new Error('lost');
  for (const [listener, why] of [
    [async () => {}, undefined],
    [
      async () => {
        throw reason;
      },
      reason,
    ],
  ] as const) {
    const { status, error } = await request(compose([listening(listener)], app), 'GET', '/');
    const { code, hint, cause } = error as Error & { readonly code?: string; readonly hint?: string };
    assert.deepEqual([status, code, cause], [500, 'PORTICO_HEAD_PROMISE', why]);
    assert.match(hint ?? '', /a function that is not async/);
  }
});

test('a message given for a status goes with it, and is kept when the status stays', async () => {
  const app: App = (_req, res) => {
    res.writeHead(200, 'Splendid').end();
  };
  const kept = await request(lint(listening((res) => res.setHeader('a', 'b'))(app)), 'GET', '/');
  assert.equal(kept.statusMessage, 'Splendid');
  const replaced = await request(
    lint(
      listening((res) => {
        res.statusCode = 404;
        res.statusMessage = 'Gone away';
      })(app),
    ),
    'GET',
    '/',
  );
  assert.equal(replaced.statusMessage, 'Gone away');
});

test('MW-7 informational responses pass untouched, before and without the listeners', async () => {
  let runs = 0;
  const app: App = (_req, res) => {
    res.writeContinue();
    res.writeProcessing();
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    assert.equal(runs, 0);
    res.end('done');
  };
  const answer = await rawRequest(
    lint(listening(() => (runs += 1))(app)),
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  assert.deepEqual(
    [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]),
    ['100', '102', '103', '200'],
  );
  assert.equal(runs, 1);
});

test('MW-7 an upgraded connection is left alone', async () => {
  let runs = 0;
  const app: App = (_req, res) => {
    beforeHead(res, () => (runs += 1));
    res.writeHead(101, { upgrade: 'echo', connection: 'upgrade' });
    res.end();
  };
  const answer = await rawRequest(app, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 101 /);
  assert.equal(runs, 0);
});

test('a package that wraps writeHead in between keeps its order', async () => {
  const order: string[] = [];
  const foreign: Filter = (app) => (req, res) => {
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => ServerResponse;
    res.writeHead = ((...args: unknown[]) => {
      order.push('foreign');
      return writeHead(...args);
    }) as typeof res.writeHead;
    return app(req, res);
  };
  const filters = [listening(() => order.push('outer')), foreign, listening(() => order.push('inner'))];
  const app = lint(
    compose(filters, (_req, res) => {
      res.end();
    }),
    { foreignPatches: true },
  );
  await request(app, 'GET', '/');
  assert.deepEqual(order, ['inner', 'foreign', 'outer']);
});

test('registering after the headers is an error that says so', async () => {
  let caught: unknown;
  const app: App = (_req, res) => {
    res.writeHead(200);
    try {
      beforeHead(res, () => undefined);
    } catch (error) {
      caught = error;
    }
    res.end();
  };
  await request(lint(app), 'GET', '/');
  assert.equal((caught as { code?: string }).code, 'PORTICO_HEAD_SENT');
});

test('a response nobody registered for keeps its own methods', async () => {
  let own: string[] = [];
  await request(
    (_req, res) => {
      own = Object.keys(res).filter((key) => key === 'writeHead' || key === 'write' || key === 'end');
      res.end();
    },
    'GET',
    '/',
  );
  assert.deepEqual(own, []);
});

test('a listener of the headers may respond in place of any body', async () => {
  const ANSWERS: Record<string, (res: ServerResponse) => unknown> = {
    whole: (res) => res.end('denied!'),
    'with a head': (res) => res.writeHead(403, { 'x-a': 'b' }).end('denied!'),
    'in two pieces': (res) => res.write('deni') && res.end('ed!'),
  };
  for (const [how, answer] of Object.entries(ANSWERS)) {
    let isFirst = true;
    const filter = listening((res) => {
      if (!isFirst) return;
      isFirst = false;
      res.statusCode = 403;
      answer(res);
    });
    const { status, text } = await request(
      compose([filter], (_req, res) => void res.end('plain')),
      'GET',
      '/',
    );
    assert.deepEqual([how, status, text()], [how, 403, 'denied!']);
  }
});

test('a body whose headers Node refuses leaves the response free for another', async () => {
  const REFUSED: Record<string, (res: ServerResponse) => unknown> = {
    status: (res) => Object.assign(res, { statusCode: 1000 }).end('x'),
    message: (res) => Object.assign(res, { statusMessage: 'caf\u0119' }).end('x'),
  };
  for (const [what, refused] of Object.entries(REFUSED)) {
    const { status, text } = await request(
      (_req, res) => {
        assert.throws(() => refused(res));
        Object.assign(res, { statusCode: 500, statusMessage: 'Failed' }).end('error');
      },
      'GET',
      '/',
    );
    assert.deepEqual([what, status, text()], [what, 500, 'error']);
  }
});
