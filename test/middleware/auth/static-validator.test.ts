import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PorticoError } from '../../../dist/errors/errors.js';
import { staticTokens } from '../../../dist/middleware/auth/static-validator.js';

function refusalOf(text: string): string {
  try {
    staticTokens(text, 'tokens.json');
  } catch (error) {
    assert.ok(error instanceof PorticoError);
    assert.ok(!error.describe().includes('s3cret'), error.describe());
    return error.describe();
  }
  throw new assert.AssertionError({ message: `accepted: ${text}` });
}

test('MW-32 an entry has the members of a token', () => {
  const entry = {
    user_id: 'u1',
    user_name: 'alice',
    user_domain: { id: 'default', name: 'Default' },
    project_id: 'p1',
    project_name: 'blue',
    project_domain: { name: 'Default' },
    roles: ['member'],
    is_admin_project: true,
    expires_at: '2030-01-31T12:00:00Z',
    app_credential: { id: 'a', access_rules: [{ service: 'compute', method: 'GET', path: '/**' }] },
    catalog: [{ type: 'compute' }],
    claims: { any_thing: { at: ['all'] } },
  };
  const tokens = staticTokens(JSON.stringify({ s3cret: entry, other: { user_id: 'u2' } }), 'tokens.json');
  assert.deepEqual(Object.fromEntries(tokens), {
    s3cret: {
      userId: 'u1',
      userName: 'alice',
      userDomain: { id: 'default', name: 'Default' },
      projectId: 'p1',
      projectName: 'blue',
      projectDomain: { name: 'Default' },
      roles: ['member'],
      isAdminProject: true,
      expiresAt: '2030-01-31T12:00:00Z',
      appCredential: { id: 'a', accessRules: [{ service: 'compute', method: 'GET', path: '/**' }] },
      catalog: [{ type: 'compute' }],
      claims: { any_thing: { at: ['all'] } },
    },
    other: { userId: 'u2', roles: [] },
  });
});

test('a member that is none is refused with the nearest ones, in the entry with its number', () => {
  assert.equal(
    refusalOf('{"s3cret": {"user_id": "b", "user": "bob"}}'),
    'error: tokens.json: entry 1: it has no member "user"\n  Members: user_id, user_name, user_domain, project_id, ' +
      'project_name, project_domain, domain, system_scope, roles, is_admin_project, expires_at, issued_at, audit_ids, ' +
      'methods, app_credential, catalog, bind, claims.',
  );
  assert.equal(
    refusalOf(
      '{"a": {"user_id": "b"}, "s3cret": {"user_id": "b", "rolse": []}, "c": {"user_id": "b", "project-id": "p"}}',
    ),
    'error: tokens.json: entry 2: it has no member "rolse"\n  Did you mean "roles"?\n' +
      'error: tokens.json: entry 3: it has no member "project-id"\n  Did you mean "project_id"?',
  );
  assert.match(refusalOf('{"s3cret": {"user_id": "b", "domain": {"nme": "x"}}}'), /it has no member "domain\.nme"$/);
  const rule = '{"app_credential": {"access_rules": [{"pth": "/"}]}, "user_id": "b"}';
  assert.match(refusalOf(`{"s3cret": ${rule}}`), /it has no member "app_credential\.access_rules\.0\.pth"$/);
  assert.match(
    refusalOf('{"s3cret": {"user_id": "b", "__proto__": "x"}}'),
    /no member "__proto__"\n {2}Members: user_id, /,
  );
  assert.match(
    refusalOf('{"tokens": {"user_id": "a", "s3cret": {"user_id": "b"}}}'),
    /entry 1: it has an unknown member, which is an object\n/,
  );
});

test('a value that is not what it has to be is refused', () => {
  const rows: [members: string, told: string][] = [
    ['"roles": []', 'user_id: it is required'],
    ['"user_id": ""', 'user_id: must NOT have fewer than 1 characters'],
    ['"user_id": 7', 'user_id: must be string'],
    ['"user_id": "b", "roles": "admin"', 'roles: must be array'],
    ['"user_id": "b", "roles": [1]', 'roles.0: must be string'],
    ['"user_id": "b", "is_admin_project": "false"', 'is_admin_project: must be boolean'],
    ['"user_id": "b", "expires_at": "soon"', 'expires_at: must match format "date-time"'],
    ['"user_id": "b", "domain": "d"', 'domain: must be object'],
    ['"user_id": "b", "bind": []', 'bind: must be object'],
    ['"user_id": "b", "app_credential": {"access_rules": {}}', 'app_credential.access_rules: must be array'],
  ];
  for (const [members, told] of rows) {
    assert.equal(refusalOf(`{"s3cret": {${members}}}`), `error: tokens.json: entry 1: ${told}`);
  }
});

test('a file of another form is refused at the option that names it, and no token is shown', () => {
  for (const text of ['', '{"s3cret":', '[{"s3cret": {}}]', '"s3cret"']) {
    assert.match(refusalOf(text), /^error: tokens\.json: it is not a JSON object\n {2}It must be a JSON object: /);
  }
  assert.equal(refusalOf('{"s3cret": 1}'), 'error: tokens.json: entry 1: must be object');
  assert.match(
    refusalOf('{"s3cret of bob": {"user_id": "b"}}'),
    /no request can present the token of entry 1\n {2}A token has at most 8192 characters/,
  );
  const origin = { file: 'portico.ini', line: 3, column: 22 };
  assert.throws(() => staticTokens('{"s3cret": 1}', 'tokens.json', origin), {
    message: 'portico.ini:3:22: tokens.json: entry 1: must be object',
  });
});
