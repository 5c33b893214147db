import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortKeys } from 'portico/routing';

const items = [
  { id: 1, name: 'b', task: { state: 'x' } },
  { id: 2, name: 'a', task: null },
  { id: 3, name: 'b', task: { state: 'a' } },
];
const order = sortKeys<(typeof items)[number]>('uuid=id name\n task_state=task.state');
const ids = (keys: string[], directions: string[]): number[] => order.sort(items, keys, directions).map(({ id }) => id);

test('SC-42 SC-43 sort keys have the names clients know', () => {
  assert.deepEqual(order.names, ['uuid', 'name', 'task_state']);
});

test('SC-43 several keys, each with its direction; the last direction holds for the rest', () => {
  assert.deepEqual(ids(['name', 'uuid'], ['asc', 'desc']), [2, 3, 1]);
  assert.deepEqual(ids(['name', 'uuid'], ['desc']), [3, 1, 2]);
  assert.deepEqual(ids(['name'], []), [2, 1, 3]);
});

test('SC-43 null comes before everything', () => {
  assert.deepEqual(ids(['task_state'], ['asc']), [2, 3, 1]);
  assert.deepEqual(ids(['task_state'], ['desc']), [1, 3, 2]);
});
