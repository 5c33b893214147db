/** Tests paste files in the form of OpenStack projects, which load without changes by their author. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { folderOf } from './folder.js';

const SHARED = `
[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = a
oslo_config_program = a-api
[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory
oslo_config_project = a
[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory
[filter:sizelimit]
paste.filter_factory = oslo_middleware.sizelimit:RequestBodySizeLimiter.factory
[filter:osprofiler]
paste.filter_factory = osprofiler.web:WsgiMiddleware.factory
hmac_keys = SECRET_KEY
enabled = yes
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
oslo_config_project = a
[filter:audit]
paste.filter_factory = keystonemiddleware.audit:filter_factory
audit_map_file = %(here)s/api_audit_map.conf
[app:healthcheck]
use = egg:oslo.middleware#healthcheck
oslo_config_project = a
[app:versions]
paste.app_factory = portico/middleware:echo
[app:api]
paste.app_factory = portico/middleware:echo
`;

/** Returns a root composite and its mounts, with the names of the factories and of the filters of the API. */
const roots = (
  root: string,
  mount: string,
  factory: string,
  fault: string,
  context: string,
  noauth: string,
): string => `
[composite:main]
${root}
/: versions
/healthcheck: healthcheck
${mount}: api_pipelines
[composite:api_pipelines]
use = call:${factory}
noauth = request_id cors http_proxy_to_wsgi faultwrap sizelimit osprofiler noauth api
keystone = request_id cors http_proxy_to_wsgi faultwrap sizelimit osprofiler authtoken keystonecontext audit api
keystone_nolimit = request_id cors http_proxy_to_wsgi faultwrap osprofiler authtoken keystonecontext api
[filter:faultwrap]
paste.filter_factory = ${fault}
[filter:keystonecontext]
paste.filter_factory = ${context}
[filter:noauth]
paste.filter_factory = ${noauth}
${SHARED}`;

const FILES: Readonly<Record<string, string>> = {
  cinder: roots(
    'use = call:cinder.api:root_app_factory',
    '/v3',
    'cinder.api.middleware.auth:pipeline_factory',
    'cinder.api.middleware.fault:FaultWrapper.factory',
    'cinder.api.middleware.auth:CinderKeystoneContext.factory',
    'cinder.api.middleware.auth:NoAuthMiddleware.factory',
  ),
  manila: roots(
    'use = call:manila.api:root_app_factory',
    '/v2',
    'manila.api.middleware.auth:pipeline_factory',
    'manila.api.middleware.fault:FaultWrapper.factory',
    'manila.api.middleware.auth:ManilaKeystoneContext.factory',
    'manila.api.middleware.auth:NoAuthMiddleware.factory',
  ),
  masakari: roots(
    'use = call:masakari.api.urlmap:urlmap_factory',
    '/v1',
    'masakari.api.auth:pipeline_factory_v1',
    'masakari.api.openstack:FaultWrapper.factory',
    'masakari.api.auth:MasakariKeystoneContext.factory',
    'masakari.api.auth:NoAuthMiddleware.factory',
  ),
  designate: roots(
    'use = egg:Paste#urlmap',
    '/v2',
    'designate.api.middleware:auth_pipeline_factory',
    'designate.api.middleware:FaultWrapperMiddleware.factory',
    'designate.api.middleware:KeystoneContextMiddleware.factory',
    'designate.api.middleware:NoAuthContextMiddleware.factory',
  ),
  trove: `
[composite:main]
use = call:trove.common.wsgi:versioned_urlmap
/: versions
/v1.0: troveapi
[pipeline:troveapi]
pipeline = cgitb cors http_proxy_to_wsgi faultwrapper osprofiler authtoken contextwrapper api
[filter:cgitb]
use = egg:Paste#cgitb
[filter:contextwrapper]
paste.filter_factory = trove.common.wsgi:ContextMiddleware.factory
[filter:faultwrapper]
paste.filter_factory = trove.common.wsgi:FaultWrapper.factory
${SHARED}`,
  glance: `
[pipeline:main]
pipeline = cors hc http_proxy_to_wsgi osprofiler authtoken context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: versions
/v2: api
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:hc]
paste.filter_factory = oslo_middleware:Healthcheck.factory
backends = disable_by_file
disable_by_file_path = /etc/a/healthcheck_disable
oslo_config_project = a
${SHARED.replace('auth_token:filter_factory', 'auth_token:filter_factory\ndelay_auth_decision = true')}`,
};

const HEAT = `
[pipeline:main]
pipeline = faultwrap authtoken context osprofiler api
[filter:faultwrap]
paste.filter_factory = heat.common.wsgi:filter_factory
heat.filter_factory = heat.api.openstack:faultwrap_filter
[filter:context]
paste.filter_factory = heat.common.context:ContextMiddleware_filter_factory
[filter:versionnegotiation]
paste.filter_factory = heat.common.wsgi:filter_factory
heat.filter_factory = heat.api.openstack:version_negotiation_filter
${SHARED.replace(
  'paste.app_factory = portico/middleware:echo\n[app:api]\npaste.app_factory = portico/middleware:echo',
  'paste.app_factory = portico/middleware:echo\n[app:api]\npaste.app_factory = heat.common.wsgi:app_factory\nheat.app_factory = portico/middleware:echo',
)}`;

const SERVICE = `[DEFAULT]
auth_strategy = keystone
[keystone_authtoken]
auth_url = http://127.0.0.1:9
username = a
password = a
http_request_max_retries = 0
`;

test('LD paste files of cinder, manila, masakari, designate, trove and glance load, and ask for a token', async (t) => {
  const files = Object.entries(FILES).map(([name, text]) => [`${name}.ini`, text]);
  const folder = folderOf({
    ...Object.fromEntries(files),
    'api_audit_map.conf': '[path_keywords]\nservers = server\n',
  });
  for (const name of Object.keys(FILES)) {
    const config = Config.fromText(SERVICE);
    const loader = new Loader(`${folder}/${name}.ini`, { config });
    const errors = (await loader.check()).filter(({ severity }) => severity === 'error');
    assert.deepEqual(errors, [], name);
    const app = closedAfter(t, await loader.loadApp('main'));
    const mount = /^(\/v[\d.]+): /m.exec(FILES[name]!)![1]!;
    const answer = await request(app, 'GET', `${mount}/things`);
    assert.equal(answer.status, 401, name);
    assert.equal(answer.headers['www-authenticate'], 'Keystone uri="http://127.0.0.1:9"', name);
    if (name !== 'glance') assert.equal((await request(app, 'GET', '/')).status, 200, name);
  }
});

test('PY-6 a factory that heat names in a second key is found through aliases, those from code first', async (t) => {
  const folder = folderOf({ 'heat.ini': HEAT });
  const config = Config.fromText(SERVICE);
  const app = closedAfter(t, await new Loader(`${folder}/heat.ini`, { config }).loadApp('main'));
  assert.equal((await request(app, 'GET', '/things')).status, 401);
  const [issue, ...others] = (await new Loader(`${folder}/heat.ini`, { config }).check()).filter(
    ({ severity }) => severity === 'error',
  );
  assert.deepEqual([others, issue?.option], [[], 'heat.filter_factory']);
  assert.match((issue as { proposal?: string }).proposal!, /^heat\.api\.openstack:version_negotiation_filter /);
  const aliases = {
    'heat.common.wsgi:app_factory': './own.mjs:app',
    'heat.common.wsgi:filter_factory': './own.mjs:filter',
  };
  const seen = 'export const app = (_global, local) => (_req, res) => res.end([...local.keys()].join());';
  writeFileSync(`${folder}/own.mjs`, `${seen}\nexport const filter = () => (app) => app;\n`);
  const own = await new Loader(`${folder}/heat.ini`, { config, aliases }).loadApp('api');
  assert.equal((await request(own, 'GET', '/')).text(), 'heat.app_factory');
});

test('LD the strategy of [DEFAULT] chooses the pipeline, as those projects have it', async (t) => {
  const folder = folderOf({ 'cinder.ini': FILES.cinder! });
  const config = Config.fromText('[DEFAULT]\nauth_strategy = noauth\n');
  const app = closedAfter(t, await new Loader(`${folder}/cinder.ini`, { config }).loadApp('main'));
  const answer = await request(app, 'GET', '/v3/things', { headers: { 'x-auth-token': 'alice:blue' } });
  assert.equal(answer.status, 200);
});

test('LD a Python factory whose name is that of a filter here: the check proposes the filter, and only else a module', async () => {
  const folder = folderOf({
    'other.ini': `[pipeline:main]
pipeline = fault context limit judge app
[filter:fault]
paste.filter_factory = zaqar.api.fault:FaultWrapper.factory
[filter:context]
paste.filter_factory = zaqar.api.auth:ZaqarKeystoneContext.factory
[filter:limit]
paste.filter_factory = zaqar.api.limits:RateLimitingMiddleware.factory
[filter:judge]
paste.filter_factory = zaqar.api.acl:Judge.factory
[app:app]
paste.app_factory = zaqar.api:app_factory
`,
  });
  const found = await new Loader(`${folder}/other.ini`).check();
  const proposals = found.flatMap((each) => (each as { proposal?: string }).proposal ?? []);
  assert.deepEqual(
    proposals.map((line) => line.split(/\s+/)[1]),
    [
      'portico/middleware:catchErrors',
      'portico/middleware:context',
      'portico/middleware:rateLimit',
      './zaqar/api/acl.js:Judge.factory',
      './zaqar/api.js:app_factory',
    ],
  );
});
