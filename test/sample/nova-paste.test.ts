import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Config, port, string } from 'portico/config';
import { Loader } from 'portico/loader';
import { aliasBlock } from '#internal/loader';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { account, FakeIdentity, token } from '../middleware/fake-identity.js';
import { ask, CIRROS, load, PASTE, SAMPLE, serve, startCompute } from './sample-api.js';

/** The sections of nova 26's file for the compute API, unchanged. */
const NOVA = `[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: oscomputeversions
/v2: oscomputeversion_legacy_v2
/v2.1: oscomputeversion_v2
/v2/+: openstack_compute_api_v21_legacy_v2_compatible
/v2.1/+: openstack_compute_api_v21

[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler authtoken keystonecontext osapi_compute_app_v21
noauth2 = cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler noauth2 osapi_compute_app_v21

[composite:openstack_compute_api_v21_legacy_v2_compatible]
use = call:nova.api.auth:pipeline_factory_v21
noauth2 = cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler noauth2 legacy_v2_compatible osapi_compute_app_v21

[filter:request_log]
paste.filter_factory = nova.api.openstack.requestlog:RequestLog.factory

[filter:compute_req_id]
paste.filter_factory = nova.api.compute_req_id:ComputeReqIdMiddleware.factory

[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory

[filter:noauth2]
paste.filter_factory = nova.api.openstack.auth:NoAuthMiddleware.factory

[filter:osprofiler]
paste.filter_factory = nova.profiler:WsgiMiddleware.factory

[filter:sizelimit]
paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory

[filter:legacy_v2_compatible]
paste.filter_factory = nova.api.openstack:LegacyV2CompatibleWrapper.factory

[app:osapi_compute_app_v21]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory

[pipeline:oscomputeversions]
pipeline = cors faultwrap request_log http_proxy_to_wsgi oscomputeversionapp

[pipeline:oscomputeversion_v2]
pipeline = cors compute_req_id faultwrap request_log http_proxy_to_wsgi oscomputeversionapp_v2

[pipeline:oscomputeversion_legacy_v2]
pipeline = cors compute_req_id faultwrap request_log http_proxy_to_wsgi legacy_v2_compatible oscomputeversionapp_v2

[app:oscomputeversionapp]
paste.app_factory = nova.api.openstack.compute.versions:Versions.factory

[app:oscomputeversionapp_v2]
paste.app_factory = nova.api.openstack.compute.versions:VersionsV2.factory

[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = nova
`;

const ALIASES = `[pipeline:compute]
pipeline = config:nova-api-paste.ini#osapi_compute

[portico:aliases]
nova =
    nova.api.openstack.compute:APIRouterV21.factory               ${SAMPLE}:compute
    nova.api.openstack.compute.versions:Versions.factory          ${SAMPLE}:versions
    nova.api.openstack.compute.versions:VersionsV2.factory        ${SAMPLE}:version
    nova.api.openstack:LegacyV2CompatibleWrapper.factory          ./pass.mjs:factory
`;

test('SC-11 the sample runs from nova’s own paste file', async (t) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'nova-api-paste.ini'), NOVA);
  writeFileSync(join(folder, 'api-paste.ini'), ALIASES);
  writeFileSync(join(folder, 'pass.mjs'), 'export const factory = () => (app) => app;\n');
  const config = Config.fromText(`[DEFAULT]
state_path = ${folder}
fault_style = openstack
[api]
auth_strategy = noauth2
[sample]
transition_ms = 0
`);
  const at = await serve(t, await load(t, 'compute', config, join(folder, 'api-paste.ini')));
  assert.equal((await ask(at, 'GET /', { token: null })).json.versions[0].id, 'v2.1');
  assert.equal((await ask(at, 'GET /v2.1/', { token: null })).json.version.version, '2.79');
  assert.equal((await ask(at, 'GET /v2.1/flavors', { token: null })).status, 204);
  const body = { server: { name: 's1', flavorRef: '1', imageRef: CIRROS } };
  const made = await ask(at, 'POST /v2.1/servers', { body });
  assert.equal(made.status, 202);
  const { id } = made.json.server;
  assert.match(made.headers.location ?? '', new RegExp(`/v2\\.1/servers/${id}$`));
  const stopped = await ask(at, `POST /v2.1/servers/${id}/action`, { body: { 'os-stop': null } });
  assert.deepEqual([stopped.status, typeof stopped.headers['x-openstack-request-id']], [202, 'string']);
  assert.equal((await ask(at, `GET /v2.1/servers/${id}`)).json.server.status, 'SHUTOFF');
  assert.equal((await ask(at, `DELETE /v2.1/servers/${id}`)).status, 204);
  assert.equal((await ask(at, `GET /v2.1/servers/${id}`)).json.itemNotFound.code, 404);
});

const WHOLE = fileURLToPath(
  new URL('../../../shared/golden/paste/cases/real-nova-api-paste/api-paste.ini', import.meta.url),
);

/** The replacements for the factories that Portico does not know. */
const TARGETS: Readonly<Record<string, string>> = {
  'nova.api.metadata.handler:MetadataRequestHandler.factory': `${SAMPLE}:metadata`,
  'nova.api.openstack.compute:APIRouterV21.factory': `${SAMPLE}:compute`,
  'nova.api.openstack.compute.versions:Versions.factory': `${SAMPLE}:versions`,
  'nova.api.openstack.compute.versions:VersionsV2.factory': `${SAMPLE}:version`,
};

const skip = existsSync(WHOLE) ? false : 'nova’s file is not beside the project';

test('PD-161 PD-40 nova’s whole file, unchanged, with the aliases that check proposed', { skip }, async (t) => {
  const nova = readFileSync(WHOLE, 'utf8');
  const folder = temporaryFolder();
  const path = join(folder, 'api-paste.ini');
  writeFileSync(path, nova);
  const proposed = aliasBlock(await new Loader(path).check()) ?? '';
  const asked = new Set<string>();
  const block = proposed.replaceAll(/^( +)(\S+)( +)\S+/gm, (_line, indent: string, python: string, gap: string) => {
    asked.add(python);
    return `${indent}${python}${gap}${TARGETS[python]}`;
  });
  assert.deepEqual([...asked].sort(), Object.keys(TARGETS).sort());
  writeFileSync(path, `${nova}\n${block}\n`);

  const identity = closedAfter(t, new FakeIdentity());
  identity.tokens.set('good', token());
  const service = Object.entries(account(await identity.listen())).map(([name, value]) => `${name} = ${value}`);
  // In this file only the API with the `keystone` strategy has a pipeline.
  const config = (strategy: string): Config =>
    Config.fromText(`[DEFAULT]
state_path = ${folder}
fault_style = openstack
[api]
auth_strategy = ${strategy}
[keystone_authtoken]
${service.join('\n')}
[sample]
transition_ms = 0
`);
  const errors = (await new Loader(path, { config: config('keystone') }).check()).filter(
    ({ severity }) => severity === 'error',
  );
  assert.deepEqual(errors, []);
  await assert.rejects(new Loader(path, { config: config('noauth2') }).loadApp('osapi_compute'), /noauth2/);

  const at = await serve(t, await load(t, 'osapi_compute', config('keystone'), path));
  assert.equal((await ask(at, 'GET /', { token: null })).json.versions[0].id, 'v2.1');
  for (const prefix of ['/v2.1', '/v2']) {
    const { status, json } = await ask(at, `GET ${prefix}/flavors`, { token: 'good' });
    assert.equal(status, 200, prefix);
    assert.deepEqual([json.flavors.length > 0, typeof json.flavors[0].name], [true, 'string']);
  }
  assert.equal((await ask(at, 'GET /v2.1/flavors', { token: 'bad' })).status, 401);
  assert.equal((await ask(at, 'GET /v2.1/flavors', { token: null })).status, 401);
  // Each pipeline has its own filter, and each filter validates the token.
  assert.deepEqual(
    identity.validations.map(({ headers }) => headers['x-subject-token']),
    ['good', 'good', 'bad'],
  );
});

test('SC-10 SC-14 the shipped files load, and the healthcheck responds', async (t) => {
  const { compute } = await startCompute(t);
  assert.equal((await compute('GET /healthcheck', { token: null })).status, 200);
  const config = await Config.load({ files: [join(dirname(PASTE), 'portico.ini')] });
  const { authStrategy } = config.group('api', { auth_strategy: string({ help: 'who is asked' }) });
  const metadata = config.group('api:metadata', { port: port({ default: 0, help: 'where' }) }, { partial: true });
  assert.deepEqual([authStrategy, metadata.port], ['noauth', 8775]);
  assert.equal(
    config.group('api:compute', { port: port({ default: 0, help: 'where' }) }, { partial: true }).port,
    8774,
  );
});

test('SC-14 the shipped portico.ini has every option of the sample, with its default', () => {
  const text = readFileSync(join(dirname(PASTE), 'portico.ini'), 'utf8');
  for (const line of ['connection = sqlite:///sample.db', 'transition_ms = 300', 'max_limit = 1000']) {
    assert.ok(text.includes(`\n#${line}\n`), line);
  }
  assert.match(text, /\n# proxy_secret = /);
});
