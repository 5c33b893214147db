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
    service_roles: [],
    request_id: 'req-1',
    remote_address: '192.0.2.1',
    read_deleted: 'no',
  });
  assert.deepEqual(RequestContext.fromDict(dict).toDict(), dict);
  assert.ok(!JSON.stringify(context).includes('secret'));
  const carried = new RequestContext({ token: 'secret', carryToken: true });
  assert.equal(RequestContext.fromDict(carried.toDict()).token, 'secret');
});

test('MW-12 the scope of the token and the service that asks travel under the names of oslo.context', () => {
  const scoped = new RequestContext({
    userId: 'u',
    userDomainId: 'd1',
    userDomainName: 'D1',
    domainId: 'd2',
    domainName: 'D2',
    projectDomainId: 'd3',
    projectDomainName: 'D3',
    systemScope: 'all',
    isAdminProject: false,
    isService: true,
    serviceUserId: 'glance',
    serviceUserName: 'Glance',
    serviceProjectId: 'services',
    serviceRoles: ['service'],
  });
  const dict = scoped.toDict();
  assert.deepEqual(dict, {
    user_id: 'u',
    user_domain_id: 'd1',
    user_domain_name: 'D1',
    domain_id: 'd2',
    domain_name: 'D2',
    project_domain_id: 'd3',
    project_domain_name: 'D3',
    system_scope: 'all',
    is_admin_project: false,
    roles: [],
    is_admin: false,
    is_service: true,
    service_user_id: 'glance',
    service_user_name: 'Glance',
    service_project_id: 'services',
    service_roles: ['service'],
    read_deleted: 'no',
  });
  const restored = RequestContext.fromDict(dict);
  assert.deepEqual(restored.toDict(), dict);
  assert.deepEqual(
    [restored.systemScope, restored.domainId, restored.serviceUserId, restored.serviceRoles, restored.isAdminProject],
    ['all', 'd2', 'glance', ['service'], false],
  );
  assert.throws(() => (restored.serviceRoles as string[]).push('admin'), TypeError);
  assert.equal(scoped.elevated().systemScope, 'all');
  assert.equal(RequestContext.fromDict({ is_admin_project: 'no', service_roles: 'service' }).isAdminProject, undefined);
});

test('RP-20 members nobody knows are kept, members of a wrong type are not believed', () => {
  const restored = RequestContext.fromDict({ user_id: 7, is_admin: 'yes', roles: 'admin', traceparent: '00-1-2-01' });
  assert.equal(restored.userId, undefined);
  assert.equal(restored.isAdmin, false);
  assert.deepEqual(restored.roles, []);
  assert.equal(restored.toDict().traceparent, '00-1-2-01');
  assert.equal(restored.elevated().toDict().traceparent, '00-1-2-01');
});
