/** The names of errors where operators see them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../dist/app/index.js';
import { describeFailure } from '../../dist/counts/noted-failures.js';
import { RequestPool } from '../../dist/server/requests/request-pool.js';

const HERE = /^dist-test\/counts\/failure-text\.test\.js:\d+$/;

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

const SECRET = 'hunter2';
const NAME = 'alice';
const SENT = JSON.parse(`{"name": "${NAME}", "nested": null}`) as { name: string; nested: Record<string, string> };

const CASES: Readonly<Record<string, readonly [error: unknown, text: string]>> = {
  'an error in code': [thrown(() => SENT.nested[SENT.name]), 'TypeError: Cannot read properties of null'],
  'a call of no function': [thrown(() => (SENT.name as unknown as () => void)()), 'TypeError: … is not a function'],
  'a message with a value of the client': [new Error(`no stock for ${NAME} today`), 'Error'],
  'a URL with a password': [new Error(`no connection to redis://app:${SECRET}@db/1 any more`), 'Error'],
  'input that is not JSON': [thrown(() => JSON.parse(NAME)), 'SyntaxError: Unexpected token'],
  'an error of the system': [
    Object.assign(new Error(`connect ECONNREFUSED 10.0.0.1:5432`), { code: 'ECONNREFUSED' }),
    'Error ECONNREFUSED',
  ],
  'an error with a cause': [
    new TypeError('fetch failed', { cause: Object.assign(new Error(NAME), { code: 'ENOTFOUND' }) }),
    'TypeError: fetch failed, caused by Error ENOTFOUND',
  ],
  'an error of a database': [
    Object.assign(new Error(`Key (email)=(${NAME}@example.org) already exists`), { name: 'error', code: '23505' }),
    'Error 23505',
  ],
  'NI-9 a full disk of SQLite': [
    Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 }),
    'Error ERR_SQLITE_ERROR: database or disk is full',
  ],
  'a name that is taken, in SQLite': [
    Object.assign(new Error('UNIQUE constraint failed: people.email'), { code: 'ERR_SQLITE_ERROR', errcode: 2067 }),
    'Error ERR_SQLITE_ERROR: UNIQUE constraint failed',
  ],
  'an exhausted pool': [
    new Error('timeout exceeded when trying to connect'),
    'Error: timeout exceeded when trying to connect',
  ],
  'a fault': [new Fault(503, { message: `no shelf for ${NAME}` }), 'Fault 503'],
  'text that was thrown': [NAME, 'a thrown string'],
};

for (const [what, [error, text]] of Object.entries(CASES)) {
  test(`the name of an error has its class, its code, and of its message only fixed text: ${what}`, () => {
    const described = describeFailure(error);
    assert.equal(described.error, text);
    if (error instanceof Error) assert.match(described.place!, HERE);
  });
}

test('a fault of Portico itself has its message and no place', () => {
  const limits = { defaultPoolSize: 1, maxQueue: 1, queueTimeout: 0, clientSocketTimeout: 0 };
  const pool = new RequestPool(limits, [], { note: () => {} }, { error: () => {} });
  const taking = () => pool.turn({ poolSlot: 'queued', req: {} } as never);
  void taking();
  assert.deepEqual(describeFailure(thrown(taking)), {
    error: 'Fault 503: Too many requests are waiting.',
    place: undefined,
  });
});

/** Text of a client that looks like frames. */
const FORGED = '\n    at x (/dev/null:1:1)\n    at y (file:///etc/hunter2.js:1:1)';

test('text of a client in a message is no place, however long and whatever it contains', () => {
  for (const text of [FORGED, `${'x'.repeat(1e5)}${FORGED}`, `a\u001b[2J${FORGED}`]) {
    const error = new Error(`no user ${text}`);
    assert.match(describeFailure(error).place!, HERE);
    assert.match(describeFailure(new TypeError('fetch failed', { cause: error })).place!, HERE);
    for (const message of ['', 'refused']) {
      const changed = new Error(text);
      assert.ok(changed.stack?.includes(text), 'V8 composes it at the first read');
      assert.equal(describeFailure(Object.assign(changed, { message })).place, undefined);
    }
  }
});

test('a location is one short line, also in a file with such a name', () => {
  const error = new Error('closed');
  error.stack = `Error: closed\n    at x (/srv/\u001b[2J${'x'.repeat(1000)}:1:1)`;
  const { place } = describeFailure(error);
  assert.match(place!, /^\/srv\/\\u001b\[2Jx+$/);
  assert.equal(place!.length, 200);
});
