/** Tests the policy of an application: rules in code, policy files, guards of routes, and checks that ask a server. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createConnectionServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { environ, type Filter, RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { credentialsOf, definePolicy, type RuleDefault } from 'portico/policy';
import { Router } from 'portico/routing';
import { generate } from 'selfsigned';
import { folderOf } from '../loader/folder.js';
import { serveApp } from '../routing/served-router.js';
import { memoryLog } from '../server/memory-log.js';

const definition = definePolicy([
  { name: 'owner', checkStr: 'project_id:%(project_id)s' },
  { name: 'books:list', checkStr: 'role:reader' },
  { name: 'books:delete', checkStr: 'role:admin or rule:owner' },
  { name: 'hosts:list', checkStr: '@', scopeTypes: ['system'] },
]);

const reader = new RequestContext({ userId: 'ada', projectId: 'p1', roles: ['reader'] });
const admin = new RequestContext({ userId: 'eve', projectId: 'p2', roles: ['Admin'], isAdmin: true });

/** Returns a configuration in a folder with these files. */
async function configOf(ini: string, files: Readonly<Record<string, string>> = {}) {
  const folder = folderOf({ 'portico.ini': `[oslo_policy]\n${ini}`, ...files });
  const log = memoryLog();
  const config = await Config.load({ files: [join(folder, 'portico.ini')], argv: false, env: {}, log });
  return { config, folder, log };
}

test('rules of the application decide without any policy file', async () => {
  const policy = definition.load(new Config());
  assert.equal(await policy.allows(reader, 'books:list'), true);
  assert.equal(await policy.allows(reader, 'books:delete', { project_id: 'p1' }), true);
  assert.equal(await policy.allows(reader, 'books:delete', { project_id: 'p2' }), false);
  assert.equal(await policy.allows(admin, 'books:delete', { project_id: 'p1' }), true);
  // Without a target it is the caller's own project.
  assert.equal(await policy.allows(reader, 'owner'), true);
  assert.equal(await policy.allows({ project_id: 'p1', roles: [] }, 'owner', { project_id: 'p1' }), true);
  await policy.enforce(reader, 'books:list');
  await assert.rejects(policy.enforce(reader, 'books:delete', { project_id: 'p2' }), {
    status: 403,
    kind: 'policy',
    message: 'books:delete is disallowed by policy',
  });
  await assert.rejects(policy.allows('ada' as never, 'owner'), { code: 'PORTICO_POLICY_CREDENTIALS' });
});

test('is_admin is among the credentials only if the application adds it', async () => {
  const rules: RuleDefault[] = [{ name: 'x', checkStr: 'is_admin:True' }];
  assert.equal(await definePolicy(rules).load(new Config()).allows(admin, 'x'), false);
  const credentials = (context: RequestContext) => ({ ...credentialsOf(context), is_admin: context.isAdmin });
  assert.equal(await definePolicy(rules, { credentials }).load(new Config()).allows(admin, 'x'), true);
});

test('files replace rules: policy.yaml, then policy.d in the order of names; policy.json only without the first', async () => {
  const files = {
    'policy.yaml': 'books:list: role:a\n',
    'policy.d/2': 'books:list: role:c\n',
    'policy.d/1': 'books:list: role:b\n',
  };
  const { config } = await configOf('', files);
  const policy = definition.load(config);
  const allowed = await Promise.all(['a', 'b', 'c'].map((role) => policy.allows({ roles: [role] }, 'books:list')));
  assert.deepEqual(allowed, [false, false, true]);
  assert.equal(definition.load(config), policy);
  const { config: old } = await configOf('', { 'policy.json': '{"books:list": "role:d"}' });
  assert.equal(await definition.load(old).allows({ roles: ['d'] }, 'books:list'), true);
});

test('a policy file with an error is refused whole, with all errors and warnings in their order', async () => {
  const text = 'books:list: no\nbooks:delte: "role:a"\na: rule:b\nb: "not rule:a"\n';
  const { config } = await configOf('policy_file = own.yaml\n', { 'own.yaml': text });
  assert.throws(
    () => definition.load(config),
    (error: Error & { code: string; describe(): string }) => {
      assert.equal(error.code, 'PORTICO_POLICY_REFUSED');
      const lines = error
        .describe()
        .replaceAll(/^.*own\.yaml:/gm, 'own.yaml:')
        .split('\n');
      assert.deepEqual(
        lines.filter((line) => !line.startsWith('    ')),
        [
          'own.yaml:1:13: error: the rule "books:list": no is an empty rule in YAML, which would allow everybody',
          '  For a rule that denies everybody write "!" with quotes; for one that allows everybody "@".',
          'own.yaml:2:14: warning: the rule "books:delte" is not known to the application',
          '  Did you mean "books:delete"?',
          'own.yaml:3:4: error: the rule "a" leads back to itself',
          '  Let it refer to other rules.',
          'own.yaml:4:4: error: the rule "b" leads back to itself',
          '  Let it refer to other rules.',
        ],
      );
      return true;
    },
  );
});

test('a policy file that the configuration before has read and that is gone is a warning: rules of the code may allow more', async () => {
  const files = { 'policy.yaml': '"books:delete": "!"\n', 'policy.d/more.yaml': '"books:list": "!"\n' };
  const { config, folder, log } = await configOf('', files);
  assert.equal(await definition.load(config).allows(admin, 'books:delete'), false);
  rmSync(join(folder, 'policy.yaml'));
  rmSync(join(folder, 'policy.d/more.yaml'));
  const { config: next } = await config.next();
  assert.equal(await definition.load(next).allows(admin, 'books:delete'), true);
  const told = log.lines.map(({ level, message }) => `${level} ${message.replaceAll(folder, '')}`);
  assert.equal(
    told.filter((line) =>
      /^warn \/policy(?:\.yaml|\.d\/more\.yaml):.*it is gone: rules are those of the code/.test(line),
    ).length,
    2,
    told.join('\n'),
  );
  // The next one has not read it.
  const { config: later } = await next.next();
  assert.deepEqual(later.filesLost, []);
});

test('a policy file that the operator names must exist', async () => {
  const { config } = await configOf('policy_file = gone.yaml\n');
  assert.throws(() => definition.load(config), {
    code: 'PORTICO_POLICY_REFUSED',
    message: /portico\.ini:2:15: error: \[oslo_policy\] policy_file: does not exist; got gone\.yaml/,
  });
});

test('what is probably not meant is a warning in the log', async () => {
  const rules = definePolicy([
    { name: 'new', checkStr: '@', deprecatedRule: { name: 'old', checkStr: '@' } },
    { name: 'gone', checkStr: '@', deprecatedForRemoval: true, deprecatedReason: 'r', deprecatedSince: '2' },
  ]);
  const { config, log } = await configOf('', { 'policy.yaml': 'old: role:a\ngone: role:b or x\nnew: "rule:nwe"\n' });
  rules.load(config);
  const told = log.lines.map((line) => JSON.stringify(line)).join('\n');
  for (const part of [
    'has a new name',
    'will be removed: it is deprecated since 2',
    'is not understood',
    'refers to rule:nwe',
  ]) {
    assert.ok(told.includes(part), `${part} in ${told}`);
  }
});

test('the scope of a token is refused or logged once', async () => {
  const { config: strict } = await configOf('enforce_scope = true\n');
  await assert.rejects(definition.load(strict).enforce(reader, 'hosts:list'), {
    status: 403,
    kind: 'scope',
    message: 'hosts:list requires a scope of system; the request was made with project scope',
  });
  const { config, log } = await configOf('');
  const policy = definition.load(config);
  await policy.enforce(reader, 'hosts:list');
  await policy.enforce(reader, 'hosts:list');
  assert.equal(log.lines.filter((line) => JSON.stringify(line).includes('another scope')).length, 1);
});

test('the guard of a route lets in whom the rule allows, for the project in its path', async (t) => {
  const policy = definition.load(new Config());
  const callers: Readonly<Record<string, RequestContext>> = { reader, admin };
  const identify: Filter = (app) => (req, res) => {
    const caller = callers[String(req.headers['x-caller'])];
    if (caller !== undefined) environ(req).context = caller;
    return app(req, res);
  };
  const router = new Router();
  router.get('/books', { auth: policy('books:list') }, ({ context }) => context.userId);
  router.get('/{project_id}/books', { auth: policy('owner') }, () => 'in');
  router.get('/own', { auth: policy('owner', () => ({ project_id: 'p2' })) }, () => 'in');
  const send = await serveApp(t, identify(await router.build()));
  const rows: [path: string, caller: string, status: number][] = [
    ['/books', '', 401],
    ['/books', 'admin', 403],
    ['/books', 'reader', 200],
    ['/p1/books', 'reader', 200],
    ['/p1/books', 'admin', 403],
    ['/own', 'reader', 403],
    ['/own', 'admin', 200],
  ];
  for (const [path, caller, status] of rows) {
    assert.equal((await send('GET', path, { headers: { 'x-caller': caller } })).status, status, `${path} ${caller}`);
  }
  assert.throws(() => policy('books:lits' as 'books:list'), {
    code: 'PORTICO_POLICY_NOT_REGISTERED',
    message: 'the policy rule "books:lits" is not registered',
    hint: 'Did you mean "books:list"?',
  });
});

test('wrong definitions are refused where they are written', () => {
  const rows: [code: string, message: RegExp, ...rules: unknown[]][] = [
    ['PORTICO_POLICY_DUPLICATE', /"a" is registered twice/, { name: 'a', checkStr: '' }, { name: 'a', checkStr: '' }],
    [
      'PORTICO_POLICY_OPERATIONS',
      /no description/,
      { name: 'a', checkStr: '', operations: [{ method: 'GET', path: '/' }] },
    ],
    [
      'PORTICO_POLICY_OPERATIONS',
      /exactly a method/,
      { name: 'a', checkStr: '', description: 'x', operations: [{ path: '/' }] },
    ],
    ['PORTICO_POLICY_DEFAULT', /no option "chekStr"/, { name: 'a', chekStr: '' }],
    ['PORTICO_POLICY_DEFAULT', /not different texts/, { name: 'a', checkStr: '', scopeTypes: ['system', 'system'] }],
    [
      'PORTICO_POLICY_DEFAULT',
      /rule "a": "b" is not understood, so it denies$/,
      { name: 'a', checkStr: 'role:a or b' },
    ],
    [
      'PORTICO_POLICY_DEFAULT',
      /rule "a": .*%\(a/,
      { name: 'a', checkStr: '', deprecatedRule: { name: 'b', checkStr: 'role:%(a' } },
    ],
    ['PORTICO_POLICY_DEFAULT', /without a reason/, { name: 'a', checkStr: '', deprecatedForRemoval: true }],
  ];
  for (const [code, message, ...rules] of rows)
    assert.throws(() => definePolicy(rules as RuleDefault[]), { code, message });
});

/** Serves the responses of a policy server; returns its port and the bodies that it got. */
async function policyServer(t: TestContext, tls?: { readonly key: string; readonly cert: string }) {
  const bodies: string[] = [];
  const answer: Parameters<typeof createServer>[1] = (req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (part: string) => (body += part));
    req.on('end', () => {
      bodies.push(body);
      if (req.url !== '/silent') res.end(req.url === '/yes' ? '"True"' : 'False');
    });
  };
  const server = (tls === undefined ? createServer(answer) : createSecureServer(tls, answer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, bodies };
}

test('http: asks a server, as a form or as JSON; one that does not respond costs 503', async (t) => {
  const { port, bodies } = await policyServer(t);
  const rules = definePolicy([
    { name: 'asks', checkStr: `role:admin or http://127.0.0.1:${port}/%(answer)s` },
    { name: 'denies', checkStr: `not http://127.0.0.1:${port}/yes and @` },
  ]);
  const policy = rules.load(new Config());
  assert.equal(await policy.allows(reader, 'asks', { answer: 'yes' }), true);
  assert.equal(await policy.allows(reader, 'asks', { answer: 'no' }), false);
  assert.equal(await policy.allows(reader, 'asks', {}), false);
  assert.equal(await policy.allows(admin, 'asks', {}), true);
  assert.equal(await policy.allows(reader, 'denies'), false);
  const form = new URLSearchParams(bodies[0]);
  assert.deepEqual([...form.keys()], ['rule', 'target', 'credentials']);
  assert.equal(form.get('rule'), '"asks"');
  assert.deepEqual(JSON.parse(form.get('target')!), { answer: 'yes' });
  assert.equal((JSON.parse(form.get('credentials')!) as { user_id: string }).user_id, 'ada');
  const { config } = await configOf('remote_content_type = application/json\nremote_timeout = 0.2\n');
  const other = rules.load(config);
  assert.equal(await other.allows(reader, 'asks', { answer: 'yes' }), true);
  assert.equal((JSON.parse(bodies.at(-1)!) as { rule: string }).rule, 'asks');
  await assert.rejects(other.enforce(reader, 'asks', { answer: 'silent' }), { status: 503 });
});

test('http: asks again if the server has closed a kept connection meanwhile', async (t) => {
  let connections = 0;
  const server = createConnectionServer((socket) => {
    connections++;
    let got = '';
    let hasResponded = false;
    socket
      .on('error', () => undefined)
      .on('data', (part) => {
        got += String(part);
        if (hasResponded) socket.resetAndDestroy();
        else if (got.includes('credentials=')) {
          hasResponded = true;
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nTrue');
          t.after(() => socket.destroy());
        }
      });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const policy = definePolicy([{ name: 'asks', checkStr: `http://127.0.0.1:${port}/a` }]).load(new Config());
  assert.equal(await policy.allows(reader, 'asks'), true);
  assert.equal(await policy.allows(reader, 'asks'), true);
  assert.equal(connections, 2);
});

test('https: verifies the certificate of the server, unless the option says otherwise', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  const { port } = await policyServer(t, { key, cert });
  const rules = definePolicy([{ name: 'asks', checkStr: `https://127.0.0.1:${port}/yes` }]);
  const { config: unknown } = await configOf('');
  await assert.rejects(rules.load(unknown).allows(reader, 'asks'), { status: 503 });
  const { config: careless } = await configOf('remote_ssl_verify_server_crt = false\n');
  assert.equal(await rules.load(careless).allows(reader, 'asks'), true);
  const { config, folder } = await configOf('remote_ssl_ca_crt_file = ca.pem\n', { 'ca.pem': cert });
  config.setOverride('oslo_policy', 'remote_ssl_ca_crt_file', join(folder, 'ca.pem'));
  assert.equal(await rules.load(config).allows(reader, 'asks'), true);
});
