import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import express from 'express';
import { type App, type ConnectMiddleware, compose, environ, fromConnect } from 'portico/app';
import { Router } from 'portico/routing';
import { lint, request } from 'portico/testing';
import type { LintError } from '#internal/testing';
import { closedAfter } from '../../fixtures/closed-after.js';
import { loaderOf } from '../../loader/composed.js';

type Next = (error?: unknown) => void;

const hello: App = (_req, res) => {
  res.end('hello');
};

/** Runs one request, and returns its status and the error of the filtered app. */
async function run(middleware: ConnectMiddleware, app: App = hello): Promise<{ failure?: unknown; status?: number }> {
  let failure: unknown;
  const filtered = fromConnect(middleware)(app);
  const noting: App = async (req, res) => {
    try {
      await filtered(req, res);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const response = await request(noting, 'GET', '/').catch(() => undefined);
  return { failure, ...(response && { status: response.status }) };
}

test('MW-2 a middleware that calls next hands on, now or later', async () => {
  const ways: ConnectMiddleware[] = [
    (_req, _res, next) => next(),
    (_req, _res, next) => setImmediate(next),
    async (_req, _res, next) => next(),
    async (_req, _res, next) => {
      await Promise.resolve();
      next();
    },
  ];
  for (const middleware of ways) {
    const response = await request(lint(fromConnect(middleware)(hello)), 'GET', '/');
    assert.equal(response.text(), 'hello');
  }
});

test('a middleware that only passes costs no promise', () => {
  const app: App = () => undefined;
  const passed = fromConnect((_req, _res, next) => next())(app)({} as IncomingMessage, {} as ServerResponse);
  assert.equal(passed, undefined);
});

test('a middleware may respond by itself', async () => {
  const answer = fromConnect((_req: IncomingMessage, res: ServerResponse) => {
    setImmediate(() => res.writeHead(401).end('no'));
  });
  const response = await request(lint(answer(hello)), 'GET', '/');
  assert.equal(response.status, 401);
});

test('MW-2 next(error), a throw and a rejection are failures of the app', async () => {
  const error = new Error('refused');
  const ways: ConnectMiddleware[] = [
    (_req, _res, next) => next(error),
    (_req, _res, next) => setImmediate(next, error),
    () => {
      throw error;
    },
    async () => {
      throw error;
    },
    async (_req, _res, next) => {
      await Promise.resolve();
      next(error);
    },
  ];
  for (const middleware of ways) {
    assert.deepEqual(await run(middleware), { failure: error, status: 500 }, String(middleware));
  }
});

test('MW-2 next called twice is an error: the request fails, or loses its connection', async () => {
  const twice = await run(
    (_req, _res, next: Next) => {
      next();
      next();
    },
    () => undefined,
  );
  assert.equal((twice.failure as { code: string }).code, 'PORTICO_NEXT_CALLED_TWICE');
  assert.equal(twice.status, 500);

  const late = await run(
    (_req, _res, next: Next) => {
      next();
      setImmediate(next);
    },
    (_req, res) => {
      res.write('half');
    },
  );
  assert.deepEqual(late, { failure: undefined });
});

test('a failure of the inner app is not for the middleware to catch', async () => {
  const error = new Error('inner');
  const caught: unknown[] = [];
  const catching: ConnectMiddleware = (_req, _res, next) => {
    try {
      next();
    } catch (thrown) {
      caught.push(thrown);
    }
  };
  const { failure } = await run(catching, () => {
    throw error;
  });
  assert.equal(failure, error);
  assert.deepEqual(caught, []);
  const later = await run(
    async (_req, _res, next: Next) => next(),
    () => Promise.reject(error),
  );
  assert.equal(later.failure, error);
});

test('next after the response does nothing', async () => {
  let calls = 0;
  let late: Next = () => undefined;
  const app = fromConnect((_req: IncomingMessage, res: ServerResponse, next: Next) => {
    late = next;
    res.end('timeout');
  })(() => {
    calls += 1;
  });
  await request(lint(app), 'GET', '/');
  late();
  assert.equal(calls, 0);
});

test('packages find the original URL, and error handlers are refused', async () => {
  let seen: string | undefined;
  const filter = fromConnect((req: IncomingMessage & { originalUrl?: string }, _res, next) => {
    seen = req.originalUrl;
    next();
  });
  const mounted: App = (req, res) => {
    environ(req).scriptName = '/v1';
    req.url = '/x';
    return filter(hello)(req, res);
  };
  await request(mounted, 'GET', '/v1/x');
  assert.equal(seen, '/v1/x');
  const handler = (_error: unknown, _req: unknown, _res: unknown, _next: unknown): void => undefined;
  assert.throws(() => fromConnect(handler as unknown as ConnectMiddleware), TypeError);
});

test('Express 5 is an App as it comes from npm', async () => {
  const app = express();
  app.get('/hello/:name', (req, res) => {
    res.json({ hello: req.params.name });
  });
  app.get('/later', async (_req, res) => {
    await Promise.resolve();
    res.status(202).send('later');
  });
  const linted = lint(app);
  assert.deepEqual((await request(linted, 'GET', '/hello/you')).json(), { hello: 'you' });
  assert.equal((await request(linted, 'GET', '/later')).status, 202);
  assert.equal((await request(linted, 'GET', '/nowhere')).status, 404);
  assert.deepEqual(linted.violations as LintError[], []);
});

test('MW-2 Express middleware is a Filter', async () => {
  const app = fromConnect(express.json())((req, res) => {
    res.end(JSON.stringify((req as IncomingMessage & { body: unknown }).body));
  });
  const response = await request(lint(app), 'POST', '/', { body: { a: 1 } });
  assert.deepEqual(response.json(), { a: 1 });
});

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

const PASTE = `[composite:main]
paste.composite_factory = urlmap
/v1 = filtered
[pipeline:filtered]
pipeline = through shop
[filter:through]
paste.filter_factory = through
[app:shop]
paste.app_factory = application
`;

const MOUNTED: Record<string, (t: TestContext) => Promise<App>> = {
  'of a paste file, behind a filter': async (t) => {
    const factories = {
      application,
      through:
        () =>
        (inner: App): App =>
        (req, res) =>
          inner(req, res),
    };
    const app = closedAfter(
      t,
      await loaderOf(PASTE, factories).loadApp('main', {
        aroundApp: (inner) => (req, res) => inner(req, res),
      }),
    );
    return app;
  },
  'of a Router': () => new Router().mount('/v1', application() as App).build(),
  'of a Router, behind filters': () =>
    new Router().mount('/v1', compose([(inner) => inner], application() as App)).build(),
};

for (const [where, build] of Object.entries(MOUNTED)) {
  test(`an Express app behind a mount ${where} sees what a mount of Express shows it`, async (t) => {
    const app = await build(t);
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
