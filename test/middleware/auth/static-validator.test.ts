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

const place = (line: number, column: number): string => `tokens.json:${line}:${column}: `;

test('a member that is none is refused at its location, with the nearest ones', () => {
  assert.equal(
    refusalOf('{"s3cret": {"user": "bob"}}'),
    `${place(1, 2)}error: this token has no user_id
  Add the user of the token: "user_id": "…".
${place(1, 13)}error: the entry of a token has no member "user"
  Did you mean "user_id" or "user_name" or "user_domain"?`,
  );
  assert.match(
    refusalOf('{\n  "s3cret": {\n    "user_id": "bob",\n    "project-id": "p",\n    "rolse": ["admin"]\n  }\n}'),
    /^tokens\.json:4:5: .* "project-id"\n {2}Did you mean "project_id"\?\ntokens\.json:5:5: .* "rolse"\n {2}Did you mean "roles"\?$/,
  );
  assert.match(
    refusalOf('{"s3cret": {"user_id": "b", "domain": {"nme": "x"}}}'),
    /:1:40: error: domain has no member "nme"\n.*"name"/,
  );
  assert.match(
    refusalOf('{"s3cret": {"user_id": "b", "app_credential": {"access_rules": [{"pth": "/"}]}}}'),
    /:1:66: error: one of access_rules has no member "pth"\n.*"path"/,
  );
  assert.match(
    refusalOf('{"s3cret": {"user_id": "b", "__proto__": "x"}}'),
    /no member "__proto__"\n {2}Members: user_id, /,
  );
});

test('a value that is not what it has to be is refused at its location', () => {
  const rows: [string, string][] = [
    ['"user_id": ""', 'user_id is not a non-empty string'],
    ['"user_id": 7', 'user_id is not a non-empty string'],
    ['"user_id": "b", "roles": "admin"', 'roles is not a list of names'],
    ['"user_id": "b", "roles": [1]', 'roles is not a list of names'],
    ['"user_id": "b", "is_admin_project": "false"', 'is_admin_project is not true or false'],
    ['"user_id": "b", "expires_at": "soon"', 'expires_at is not a date, as 2030-01-31T12:00:00Z'],
    ['"user_id": "b", "domain": "d"', 'domain is not an object'],
    ['"user_id": "b", "bind": []', 'bind is not an object'],
    ['"user_id": "b", "app_credential": {"access_rules": {}}', 'access_rules is not a list of objects'],
    ['"user_id": "b", "user_id": "c"', 'user_id is repeated'],
  ];
  for (const [members, message] of rows) {
    const text = refusalOf(`{"s3cret": {${members}}}`);
    assert.match(text, /^tokens\.json:1:\d\d: /);
    assert.ok(text.includes(message), text);
  }
});

test('a file of another form is refused, and no token is shown', () => {
  for (const text of [
    '',
    '{"s3cret":',
    '[]',
    '"s3cret"',
    '{"s3cret": 1}',
    '{"s3cret of bob": {"user_id": "b"}}',
    '{"s3cret": {"user_id": "b"}, "s3cret": {"user_id": "b"}}',
  ]) {
    assert.match(refusalOf(text), /^tokens\.json:1:\d+: /);
  }
  assert.match(
    refusalOf('{"tokens": {"s3cret": {"user_id": "b"}}}'),
    /:1:13: error: the entry of a token has no member of this name/,
  );
});
