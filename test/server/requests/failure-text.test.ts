/** The names of errors where operators see them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../dist/app/index.js';
import { describeFailure } from '../../../dist/server/requests/failure-text.js';

const HERE = /failure-text\.test\.[jt]s:\d+$/;

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

// Put together here, so that this file does not contain them as words.
const SECRET = ['hunt', 'er', '2'].join('');
const NAME = ['ali', 'ce'].join('');
const SENT = JSON.parse(`{"name": "${NAME}", "nested": null}`) as { name: string; nested: { id: string } };

const CASES: Readonly<Record<string, readonly [error: unknown, text: string | RegExp]>> = {
  'a mistake in code': [thrown(() => SENT.nested.id), /^TypeError: Cannot read properties of null \(reading 'id'\)$/],
  'a message with a value of the client': [
    new Error(`no stock for ${NAME} today, ${SENT.name}s: 17 of "${NAME}"`),
    'Error: no stock for … today, … of …',
  ],
  'a URL with a password': [
    new Error(`no connection to redis://app:${SECRET}@db/1 any more`),
    'Error: no connection to … any more',
  ],
  'input that is not JSON': [thrown(() => JSON.parse(NAME)), /^SyntaxError: Unexpected token … is not valid JSON$/],
  'an error of the system': [
    Object.assign(new Error(`connect ECONNREFUSED 10.0.0.1:5432`), { code: 'ECONNREFUSED' }),
    'Error ECONNREFUSED: connect ECONNREFUSED …',
  ],
  'an error with a cause': [
    new TypeError('fetch failed', { cause: Object.assign(new Error(NAME), { code: 'ENOTFOUND' }) }),
    'TypeError: fetch failed, caused by Error ENOTFOUND',
  ],
  'an error of a database': [
    Object.assign(new Error(`Key (email)=(${NAME}@example.org) already exists`), { name: 'error', code: '23505' }),
    'Error 23505: Key … already exists',
  ],
  'a fault': [new Fault(503, { message: 'the store is closed' }), 'Fault 503: the store is closed'],
  'text that was thrown': [NAME, 'a thrown string'],
};

for (const [what, [error, text]] of Object.entries(CASES)) {
  test(`the name of an error has its class, its code, and of its message only words of the program: ${what}`, () => {
    const described = describeFailure(error);
    if (typeof text === 'string') assert.equal(described.error, text);
    else assert.match(described.error, text);
    assert.doesNotMatch(described.error, new RegExp(`${NAME}|${SECRET}`));
    if (error instanceof Error) assert.match(described.place!, HERE);
  });
}
