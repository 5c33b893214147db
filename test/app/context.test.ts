import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestContext } from 'portico/app';

const context = new RequestContext({
  userId: 'u',
  projectId: 'p',
  roles: ['member'],
  requestId: 'req-1',
  remoteAddress: '192.0.2.1',
  token: 'secret',
});

test('MW-12 a context is immutable, elevated() is a copy with the admin role', () => {
  assert.throws(() => Object.assign(context, { userId: 'other' }), TypeError);
  assert.throws(() => (context.roles as string[]).push('admin'), TypeError);
  const elevated = context.elevated('yes');
  assert.equal(elevated.isAdmin, true);
  assert.deepEqual(elevated.roles, ['member', 'admin']);
  assert.equal(elevated.readDeleted, 'yes');
  assert.equal(elevated.userId, 'u');
  assert.equal(elevated.token, 'secret');
  assert.equal(context.isAdmin, false);
});

test('MW-12 toDict and fromDict are inverse, and the token travels only when it is said to', () => {
  const dict = context.toDict();
  assert.deepEqual(dict, {
    user_id: 'u',
    project_id: 'p',
    roles: ['member'],
    is_admin: false,
    is_service: false,
    request_id: 'req-1',
    remote_address: '192.0.2.1',
    read_deleted: 'no',
  });
  assert.deepEqual(RequestContext.fromDict(dict).toDict(), dict);
  assert.ok(!JSON.stringify(context).includes('secret'));
  const carried = new RequestContext({ token: 'secret', carryToken: true });
  assert.equal(RequestContext.fromDict(carried.toDict()).token, 'secret');
});

test('RP-20 members nobody knows are kept, members of a wrong type are not believed', () => {
  const restored = RequestContext.fromDict({ user_id: 7, is_admin: 'yes', roles: 'admin', traceparent: '00-1-2-01' });
  assert.equal(restored.userId, undefined);
  assert.equal(restored.isAdmin, false);
  assert.deepEqual(restored.roles, []);
  assert.equal(restored.toDict().traceparent, '00-1-2-01');
  assert.equal(restored.elevated().toDict().traceparent, '00-1-2-01');
});
