import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type App, beforeHead, environ, Fault, transformBody } from 'portico/app';
import { FakeClock, lint, request } from 'portico/testing';
import { LintError } from '#internal/testing';

/** Runs one request and returns the numbers of the broken rules. */
async function broken(app: App): Promise<number[]> {
  const linted = lint(app);
  await request(linted, 'GET', '/').catch((error: unknown) => {
    if (linted.violations.length === 0) throw error;
  });
  return linted.violations.map(({ rule }) => rule);
}

const later = (act: () => void): void => void setImmediate(act);

const RIGHT: Record<string, App> = {
  'answers at once': (_req, res) => {
    res.end('x');
  },
  'answers later, having returned': (_req, res) => later(() => res.end('x')),
  'returns a promise that is fulfilled before the answer': async (_req, res) => later(() => res.end('x')),
  'throws a fault': () => {
    throw new Fault(404);
  },
  'rejects after the head': async (_req, res) => {
    res.writeHead(200);
    throw new Error('half way');
  },
  'registers work on the response': (_req, res) => {
    beforeHead(res, () => undefined);
    transformBody(res, () => new PassThrough());
    res.end('x');
  },
  'declares the length it sends': (_req, res) => {
    res.writeHead(200, ['Content-Length', '3']);
    res.write('a');
    res.end('bc');
  },
  'moves req.url back before it fails': (req) => {
    const { url } = req;
    req.url = '/other';
    req.url = url as string;
    throw new Fault(404);
  },
};
for (const [what, app] of Object.entries(RIGHT)) {
  test(`lint lets an app pass that ${what}`, async () => {
    const linted = lint(app);
    await request(linted, 'GET', '/').catch((error: unknown) => assert.ok(!(error instanceof LintError)));
    assert.deepEqual(linted.violations, []);
  });
}

const WRONG: [what: string, rule: number, app: App][] = [
  [
    'ends twice',
    1,
    (_req, res) => {
      res.end('a');
      res.end('b');
    },
  ],
  [
    'writes two heads',
    1,
    (_req, res) => {
      res.writeHead(200);
      res.writeHead(404);
      res.end();
    },
  ],
  [
    'writes after the end',
    1,
    (_req, res) => {
      res.end('a');
      later(() => res.write('b'));
    },
  ],
  [
    'answers and throws as well',
    1,
    (_req, res) => {
      res.end('a');
      throw new Error('too late');
    },
  ],
  [
    'answers and rejects as well',
    1,
    async (_req, res) => {
      res.end('a');
      throw new Error('too late');
    },
  ],
  [
    'replaces a method of the response',
    4,
    (_req, res) => {
      const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
      res.end = ((...args: unknown[]) => end(...args)) as typeof res.end;
      res.end('a');
    },
  ],
  [
    'fails with req.url moved',
    5,
    (req) => {
      environ(req).scriptName = '/v1';
      req.url = '/x';
      throw new Fault(404);
    },
  ],
  [
    'sends less than it declared',
    6,
    (_req, res) => {
      res.setHeader('content-length', 5);
      res.end('half');
    },
  ],
];
for (const [what, rule, app] of WRONG) {
  test(`lint complains of an app that ${what}: rule ${rule}`, async () => {
    assert.deepEqual(await broken(app), [rule]);
  });
}

test('lint complains of a filter that calls its app after responding by itself: rule 3', async () => {
  const inner = lint((_req, res) => {
    res.end('app');
  });
  const filtered: App = (req, res) => {
    res.end('filter');
    return inner(req, res);
  };
  await assert.rejects(request(filtered, 'GET', '/'), LintError);
  const rules = inner.violations.map(({ rule }) => rule);
  assert.deepEqual(rules, [3]);
});

test('lint complains of an app that never responds, when its time has passed', async () => {
  const clock = new FakeClock();
  const linted = lint(() => undefined, { answerWithinMs: 60_000, clock });
  const arrived = new Promise<void>((resolve) => {
    const app: App = (req, res) => {
      const settled = linted(req, res);
      resolve();
      return settled;
    };
    void assert.rejects(request(app, 'GET', '/'), (error) => error instanceof LintError && error.rule === 1);
  });
  await arrived;
  assert.equal(clock.pending, 1);
  await clock.advance(60_000);
  assert.match(linted.violations[0]?.message ?? '', /neither responded nor failed within 60000 ms/);
});

test('lint complains of a handler that uses the response of another request: rule 7', async () => {
  let kept: ServerResponse | undefined;
  const linted = lint((_req, res) => {
    kept ??= res;
    if (kept !== res) kept.end('to the wrong client');
    res.end();
  });
  await request(linted, 'GET', '/first');
  await request(linted, 'GET', '/second').catch(() => undefined);
  const rules = linted.violations.map(({ rule }) => rule);
  assert.deepEqual(rules, [7]);
});

test('a request rejects with the violation, whose stack names the culprit', async () => {
  function culprit(res: ServerResponse): void {
    res.end('again');
  }
  const app: App = (_req, res) => {
    res.end('once');
    culprit(res);
  };
  await assert.rejects(request(lint(app), 'GET', '/'), (error) => {
    assert.ok(error instanceof LintError);
    assert.match(error.stack ?? '', /culprit/);
    return true;
  });
});

test('packages made for Connect may replace methods when lint allows it', async () => {
  const linted = lint(
    (_req, res) => {
      const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
      res.end = ((...args: unknown[]) => end(...args)) as typeof res.end;
      res.end('a');
    },
    { foreignPatches: true },
  );
  await request(linted, 'GET', '/');
  assert.deepEqual(linted.violations, []);
});
