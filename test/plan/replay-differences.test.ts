/** Replayed requests beside the differences that explain them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareOperations } from '../../dist/plan/compare-operations.js';
import { difference } from '../../dist/plan/difference.js';
import { withReplay } from '../../dist/plan/replay-differences.js';
import type { ReplayIssue } from '../../dist/plan/replay-process.js';
import type { JsonSchema, Operation, Parameter } from '../../dist/plan/state.js';

const query = (name: string, schema: JsonSchema): Parameter => ({ name, in: 'query', schema });
const operation = (...parameters: readonly Parameter[]): Operation => ({ operationId: 'rooms', parameters });

/** Returns the text of the difference that explains requests refused for an issue. */
function causeOf(before: Operation, after: Operation, issue: ReplayIssue): string | undefined {
  const about = { api: 'bookings', subject: 'GET /rooms', route: 'GET /rooms', old: null, new: null };
  const own = compareOperations(before, after).map(({ rule, text, change, value = null }) =>
    difference(about, rule, text, { change, value }),
  );
  const outcome = { status: null, route: '/rooms', action: 'rooms.index', issues: [] };
  const change = {
    before: outcome,
    after: { ...outcome, status: 400, action: null, issues: [issue] },
    requests: 1,
    refused: 1,
    examples: [],
    userAgents: [],
  };
  const route = { api: 'bookings', method: 'GET', route: '/rooms', requests: 1, changes: [change] };
  const sums = { lines: 1, requests: 1, skipped: 0, unknownApi: 0, unknownBody: 0, unanswered: 0, changed: 1 };
  const { differences, noted } = withReplay(own, { ...sums, routes: [route] }, () => 'refused');
  return differences.find((each) => noted(each) !== undefined)?.text;
}

test('the cause of a refused request is the difference of the same value, whatever the texts are', () => {
  const limited = (maximum: number): JsonSchema => ({ type: 'integer', maximum });
  const [before, after] = [100, 50].map((most) =>
    operation(query('page size', limited(most)), query('page', limited(most))),
  ) as [Operation, Operation];
  const refused = (name: string): ReplayIssue => ({ value: ['query', name], text: `query.${name} must be <= 50` });
  assert.equal(causeOf(before, after, refused('page')), 'query.page: maximum 100 -> 50');
  assert.equal(causeOf(before, after, refused('page size')), 'query.page size: maximum 100 -> 50');
  assert.equal(causeOf(before, after, refused('pages')), undefined);
});

test('the cause of a refused item is the difference of the items', () => {
  const list = (...of: readonly string[]): Operation =>
    operation(query('tag', { type: 'array', items: { type: 'string', enum: of } }));
  const issue = { value: ['query', 'tag', 1], text: 'query.tag.1 must be equal to one of the allowed values' };
  assert.equal(causeOf(list('a', 'b'), list('a'), issue), 'query.tag[] can no longer be "b"');
});

test('the cause of a refused member is the difference of the value that it is a part of', () => {
  const at = (schema: JsonSchema): Operation => operation(query('at', schema));
  const issue = { value: ['query', 'at', 'x'], text: 'query.at.x must be number' };
  assert.equal(causeOf(at({}), at({ type: 'object' }), issue), 'query.at is object, and was of any type');
});
