import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseQueryPlainly } from '../../dist/routing/serving/plain-query.js';

const { parse } = createRequire(import.meta.url)('fast-querystring') as { parse(text: string): object };

test('a query is read alike with and without the package', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '=',
    '&',
    '+',
    '%',
    '%20',
    '%2',
    '%zz',
    '%C3%A9',
    '%3D',
    '__proto__',
    'pop',
    '1',
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  fc.assert(fc.property(text, (query) => assert.deepEqual({ ...parseQueryPlainly(query) }, { ...parse(query) })));
  assert.equal((parseQueryPlainly('a=1') as { toString?: unknown }).toString, undefined);
});
