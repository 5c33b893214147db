/** The output of `api-cli openapi`, checked against the OpenAPI 3.1 schema by an independent validator. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';
import { closedAfter } from '../../fixtures/closed-after.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { apiCli, emptyProject, root } from '../../fixtures/project.js';
import { command } from '../command.js';

interface Operation {
  readonly operationId: string;
  readonly parameters: { readonly name: string; readonly schema: { readonly const?: string } }[];
  readonly responses: Readonly<Record<string, object>>;
  readonly security?: object[];
  readonly requestBody?: { readonly required: boolean; readonly content: object };
}

interface Document {
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A state folder for the sample, with a function that runs `api-cli` there with the sample's configuration. */
function sample() {
  const folder = temporaryFolder('portico-openapi-');
  const config = ['--config-file', join(root, 'paste/portico.ini'), '--set', `DEFAULT.state_path=${folder}`];
  const run = (...words: string[]) => command([...words, ...config], { cwd: folder });
  return Object.assign(run, { folder, config });
}

async function assertValid(document: Document): Promise<void> {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document) as object as Record<string, unknown>);
  assert.equal(valid, true, JSON.stringify(errors));
  assert.equal(validator.version, '3.1');
}

/** The document of a project's only API. */
async function documentOf(files: Readonly<Record<string, string>>): Promise<Document> {
  const { folder } = emptyProject(files);
  const { stdout, stderr } = command(['openapi'], { cwd: folder });
  assert.equal(stderr, '');
  const document = JSON.parse(stdout) as Document;
  await assertValid(document);
  return document;
}

test('OP-70 OP-72 the example of its help gives one document that a public validator accepts', async () => {
  const run = sample();
  const [, line] = /Example:\n {2}(.+)/.exec(run('openapi', '--help').stdout)!;
  const [, words, file] = /^api-cli (.+) > (\S+)$/.exec(line!)!;
  const quoted = [process.execPath, apiCli, ...words!.split(' '), ...run.config].map((word) => `'${word}'`).join(' ');
  const { status, stderr } = spawnSync('sh', ['-c', `${quoted} > ${file}`], { cwd: run.folder, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const document = JSON.parse(readFileSync(join(run.folder, file!), 'utf8')) as Document;
  assert.equal(document.info.title, 'compute');
  assert.ok(Object.keys(document.paths).length > 30);
  await assertValid(document);
  const [operation] = Object.values(document.paths).flatMap((item) => Object.values(item));
  Object.assign(operation!, { parameters: [{ name: 'without a place' }] });
  const broken = await new Validator().validate(document as object as Record<string, unknown>);
  assert.equal(broken.valid, false, 'the validator looks at operations');
});

test('what an application logs to the console while it is loaded is not in the document', () => {
  const files = {
    'portico.ini': '[api:hello]\nport = 0\n',
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'app.js':
      "import { Router } from 'portico/routing';\nconsole.log('loaded');\nexport const app = () => {\n  console.info('made');\n  return new Router().get('/', () => 1).build();\n};\n",
  };
  for (const words of [['openapi'], ['routes', '--json']]) {
    const { folder } = emptyProject(files);
    const { stdout, stderr } = command(words, { cwd: folder });
    assert.equal(typeof JSON.parse(stdout), 'object', stdout);
    assert.match(stderr, /loaded\nmade/);
  }
});

test('OP-70 servers from the address, paths with their mounts, and what filters say of themselves', () => {
  const run = sample();
  const { status, stdout, stderr } = run('openapi', '--api', 'compute');
  assert.equal(status, 0, stderr);
  const { servers, paths, components } = JSON.parse(stdout) as Document;
  assert.deepEqual(servers, [{ url: 'http://127.0.0.1:8774' }]);
  const { get } = paths['/v2.1/servers']!;
  assert.deepEqual(get!.security, [{ token: [] }]);
  assert.deepEqual(components.securitySchemes!.token, {
    type: 'apiKey',
    in: 'header',
    name: 'X-Auth-Token',
    description: 'user:project',
  });
  assert.ok('413' in get!.responses);
  assert.ok('x-openstack-request-id' in components.headers!);
  // The version documents are served before noauth.
  assert.equal(paths['/']!.get!.security, undefined);
});

test('OP-70 one version: its actions, its schemas, and the header that asks for it', async () => {
  const run = sample();
  const read = (...words: string[]): Document => {
    const { status, stdout, stderr } = run('openapi', '--api', 'compute', ...words);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as Document;
  };
  const [all, one] = [read(), read('--version', '2.61')];
  await assertValid(one);
  assert.equal(one.info.version, '2.61');
  const version = one.paths['/v2.1/servers']!.get!.parameters.find(({ name }) => name === 'OpenStack-API-Version');
  assert.equal(version?.schema.const, 'compute 2.61');
  assert.ok(JSON.stringify(all).length > JSON.stringify(one).length);
  assert.doesNotMatch(JSON.stringify(one), /x-versions/);
});

test('OP-70 which API and which version are said when they are not known', () => {
  const run = sample();
  const refused = (words: string[], said: RegExp): void => {
    const { status, stderr } = run('openapi', ...words);
    assert.deepEqual([status, said.test(stderr)], [2, true], stderr);
  };
  refused([], /several APIs are enabled: compute, metadata[\s\S]*Select one with --api/);
  refused(['--api', 'compue'], /Did you mean "compute"/);
  refused(['--api', 'compute', '--version', '9.1'], /compute has no version 9\.1[\s\S]*It has 2\.1 to /);
  refused(['--api', 'compute', '--version', 'x'], /--version is a version such as 2\.61, not x/);
});

test('OP-70 an API that is one router at one mount: the mount is in the server, not in the paths', async () => {
  const document = await documentOf({
    'portico.ini': '[DEFAULT]\nenabled_apis = things\n[api:things]\nlisten = 0.0.0.0:8080\n',
    'api-paste.ini': `[composite:things]
use = portico/loader:urlmap
/api/v1: pipe

[pipeline:pipe]
pipeline = limit deadline things_app

[filter:limit]
paste.filter_factory = portico/middleware:rateLimit
rules = all address 10/s 20

[filter:deadline]
paste.filter_factory = portico/middleware:deadline

[app:things_app]
paste.app_factory = ./app.mjs:things
`,
    'app.mjs': `import { Router } from 'portico/routing';
export async function things(_globalConf, _localConf, ctx) {
  const router = new Router({ controllers: { things: { show: () => 1 } }, faultStyle: 'openstack' });
  router.connect('/things/{id}', { controller: 'things', action: 'show', conditions: { method: ['GET'] } });
  const app = await router.build();
  ctx.onClose(() => app.close());
  return app;
}
`,
  });
  assert.deepEqual(document.servers, [{ url: 'http://localhost:8080/api/v1' }]);
  assert.deepEqual(Object.keys(document.paths), ['/things/{id}']);
  const { responses } = document.paths['/things/{id}']!.get!;
  assert.deepEqual(Object.keys(responses), ['200', '429', '503', 'default']);
  assert.match(JSON.stringify(responses['429']), /schemas\/Fault".*all address 10\/s 20/);
  assert.match(JSON.stringify(responses.default), /schemas\/OpenStackFault"/);
});

test('OP-70 a warning names each route that the document leaves out, because OpenAPI has one path for both', async () => {
  const app = `import { Router } from 'portico';
const body = { type: 'object', title: 'Left', properties: { count: { type: 'integer' } } };
export const app = () => {
  const router = new Router();
  router.get('/items/{id:int}', () => 1);
  router.get('/items/{name}', () => 2);
  router.post('/items/{name}', () => 3);
  router.post('/items/{key}/parts/{id:int}', () => 4);
  router.post('/items/{name}/parts/{part}', { body }, () => 5);
  return router.build();
};
`;
  const { folder } = emptyProject({
    'portico.ini': '[api:shop]\nport = 0\n',
    'api-paste.ini': '[app:shop]\npaste.app_factory = ./app.js:app\n',
    'app.js': app,
  });
  const { status, stdout, stderr } = command(['openapi'], { cwd: folder });
  assert.equal(
    stderr,
    `warning: the document leaves out GET /items/{name} (app.js:6): for OpenAPI, it is the path of /items/{id} (app.js:5)
warning: the document leaves out POST /items/{name}/parts/{part} (app.js:9): for OpenAPI, it is the path of /items/{key}/parts/{id} (app.js:8)
`,
  );
  const document = JSON.parse(stdout) as Document;
  await assertValid(document);
  assert.deepEqual(
    Object.entries(document.paths).map(([path, item]) => [path, Object.keys(item)]),
    [
      ['/items/{id}', ['get', 'post']],
      ['/items/{key}/parts/{id}', ['post']],
    ],
  );
  assert.doesNotMatch(stdout, /count/);
  assert.equal(status, 0);
});

test('OP-70 an ETag is a header of a 200 to GET and HEAD, and of no other response', async () => {
  const document = await documentOf({
    'portico.ini': '[DEFAULT]\nenabled_apis = things\n[api:things]\nlisten = 127.0.0.1:8080\n',
    'api-paste.ini': `[pipeline:things]
pipeline = deadline etag things_app

[filter:deadline]
paste.filter_factory = portico/middleware:deadline

[filter:etag]
paste.filter_factory = portico/middleware:etag

[app:things_app]
paste.app_factory = ./app.mjs:things
`,
    'app.mjs': `import { Router } from 'portico/routing';
export async function things(_globalConf, _localConf, ctx) {
  const router = new Router({ controllers: { things: { show: () => 1, update: () => 2 } } });
  const on = (action, method) => router.connect('/thing', { controller: 'things', action, conditions: { method } });
  on('show', ['GET', 'HEAD']);
  on('update', ['PUT']);
  const app = await router.build();
  ctx.onClose(() => app.close());
  return app;
}
`,
  });
  assert.ok('ETag' in document.components.headers!);
  const named = Object.entries(document.paths['/thing']!).flatMap(([method, { responses }]) =>
    Object.entries(responses).flatMap(([status, one]) =>
      JSON.stringify(one).includes('ETag') ? [[method, status]] : [],
    ),
  );
  assert.deepEqual(named.sort(), [
    ['get', '200'],
    ['head', '200'],
  ]);
});

test('AU-4 a served document is the one that the command prints: its servers, what filters add, the routers mounted in it', async (t) => {
  const { folder } = emptyProject({
    'portico.ini':
      '[DEFAULT]\nenabled_apis = things\n[api:things]\nlisten = 127.0.0.1:8080\n[jwt]\nsecret = 0123456789abcdef0123456789abcdef\n',
    'api-paste.ini': `[composite:things]
use = portico/loader:urlmap
/api/v1: pipe

[pipeline:pipe]
pipeline = request_id limit auth things_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:limit]
paste.filter_factory = portico/middleware:rateLimit
rules = all address 10/s 20

[filter:auth]
paste.filter_factory = portico/middleware:authToken
validator = jwt
delay_auth_decision = true

[app:things_app]
paste.app_factory = ./app.mjs:things
`,
    'app.mjs': `import { Router } from 'portico/routing';
export async function things(_globalConf, _localConf, ctx) {
  const inner = new Router().get('/parts', () => []);
  const router = new Router({ openapi: { path: '/openapi.json', title: 'Things', auth: false }, auth: true });
  router.get('/things/{id}', () => ({}));
  router.mount('/inner', await inner.build());
  const app = await router.build();
  return (req, res) => app(req, res);
}
`,
  });
  const { stdout, stderr } = command(['openapi'], { cwd: folder });
  assert.equal(stderr, '');
  const printed = JSON.parse(stdout) as Document;
  await assertValid(printed);
  const config = await Config.load({ files: [join(folder, 'portico.ini')], argv: false, env: {} });
  const app = closedAfter(
    t,
    await new Loader(join(folder, 'api-paste.ini'), { config, service: 'things' }).loadApp('things'),
  );
  const headers = { host: '127.0.0.1:8080' };
  const answer = await request(app, 'GET', '/api/v1/openapi.json', { headers });
  assert.equal(answer.status, 200, answer.text());
  assert.deepEqual(answer.json(), printed);
  assert.deepEqual(printed.servers, [{ url: 'http://127.0.0.1:8080/api/v1' }]);
  assert.deepEqual(Object.keys(printed.paths), ['/inner/parts', '/things/{id}']);
  const { get } = printed.paths['/things/{id}']!;
  assert.ok('429' in get!.responses);
  assert.deepEqual(get!.security, [{ token: [] }, { bearer: [] }]);
  const behind = await request(app, 'GET', '/api/v1/openapi.json', { headers: { host: 'api.example.com' } });
  assert.deepEqual((behind.json() as Document).servers, [{ url: 'http://api.example.com/api/v1' }]);
});
