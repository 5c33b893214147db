import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestContext } from 'portico/app';
import { ApiVersion, type Viewer, view } from 'portico/routing';

const by = (version: string, isAdmin = false): Viewer => ({
  apiVersion: ApiVersion.of(version),
  context: new RequestContext({ isAdmin }),
});

test('RT-170 a view shows each member within its range of versions', () => {
  const show = view<{ id: string; size: number; note: string }>(
    'id \n -2.46 ram=size \n 2.47+ memory=size \n 2.9+ -2.18 note',
  );
  const record = { id: 'a', size: 5, note: 'n' };
  assert.deepEqual(show(record, by('2.1')), { id: 'a', ram: 5 });
  assert.deepEqual(show(record, by('2.18')), { id: 'a', ram: 5, note: 'n' });
  assert.deepEqual(show(record, by('2.47')), { id: 'a', memory: 5 });
});

test('RT-171 members for administrators, and those that one form of the answer has only later', () => {
  const show = view<object>('id=1 \n admin host="h" \n change2.75+ key=null \n change2.75+ admin 2.3+ rank=0');
  assert.deepEqual(show({}, by('2.2', true)), { id: 1, host: 'h', key: null });
  assert.deepEqual(show({}, by('2.3', true)), { id: 1, host: 'h', key: null, rank: 0 });
  assert.deepEqual(show({}, by('2.74', true), 'change'), { id: 1, host: 'h' });
  assert.deepEqual(show({}, by('2.75'), 'change'), { id: 1, key: null });
});

test('RT-172 values are worked out, constant, or members of members', () => {
  const show = view('n twice list=[] key=pair.name none=gone.name off=false least=-1', ({ n }: { n: number }) => ({
    twice: 2 * n,
    pair: { name: 'k' },
    gone: null,
  }));
  assert.deepEqual(show({ n: 2 }, by('2.1')), {
    n: 2,
    twice: 4,
    list: [],
    key: 'k',
    none: null,
    off: false,
    least: -1,
  });
});

test('RT-172 a line of conditions without members is a mistake, and so is a range the wrong way round', () => {
  assert.throws(() => view('id \n 2.3+ admin'), /2\.3\+ admin/);
  assert.throws(() => view('2.9+ -2.3 id'), RangeError);
});
