/** Paste files of services in Python: what stands for their factories, what is lost, and what `check` proposes for the others. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, type Diagnostic } from 'portico/config';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { folderOf } from './folder.js';

const APP = '[app:app]\npaste.app_factory = portico/middleware:echo\n';
const KEYSTONE = '[keystone_authtoken]\nauth_url = http://127.0.0.1:9\nusername = a\npassword = a\n';

/** Returns a pipeline of filters, each a line `use = …` or `paste.filter_factory = …` with options. */
function pipelineOf(...filters: readonly string[]): string {
  const sections = filters.map((lines, at) => `[filter:f${at}]\n${lines}\n`).join('');
  return `[pipeline:main]\npipeline = ${filters.map((_, at) => `f${at}`).join(' ')} app\n${sections}${APP}`;
}

async function found(text: string, ini = KEYSTONE): Promise<Diagnostic[]> {
  const folder = folderOf({ 'a.ini': text });
  return Loader.checkFile(`${folder}/a.ini`, { config: Config.fromText(ini) });
}

const brief = ({ severity, code }: Diagnostic): string => `${severity} ${code.replace('PORTICO_PASTE_', '')}`;

test('WI-4 filters of swift, keystone and the old auth_token have counterparts without an error', async () => {
  const whole = [
    'use = egg:swift#healthcheck',
    'use = egg:swift#proxy_logging\naccess_log_name = proxy',
    'use = egg:swift#read_only\nread_only = false',
    'use = egg:keystone#sizelimit',
    'use = egg:keystone#request_id',
    'use = egg:keystone#url_normalize',
    'use = egg:keystone#json_body',
    'paste.filter_factory = swift.common.middleware.healthcheck:filter_factory',
    'paste.filter_factory = oslo.middleware:RequestId.factory',
    'paste.filter_factory = keystoneclient.middleware.auth_token:filter_factory\nauth_host = h\nauth_port = 35357\nservice_host = h',
    'paste.filter_factory = keystone.middleware.auth_token:filter_factory\nadmin_token = secret',
  ];
  const said = await found(pipelineOf(...whole));
  const errors = said.filter(({ severity }) => severity === 'error');
  assert.deepEqual(errors, []);
  const codes = new Set(said.map(({ code }) => code));
  assert.deepEqual([...codes], ['PORTICO_CONFIG_UNUSED_OPTION', 'PORTICO_FACTORY_WARNING']);
});

test('AD-4 WI-4 what is replaced by less, or by nothing, is a warning of check with what is lost; an alias confirms it', async () => {
  const lost: Readonly<Record<string, RegExp>> = {
    'paste.filter_factory = osprofiler.web:WsgiMiddleware.factory': /passThrough: requests have no profile/,
    'use = egg:swift#recon': /passThrough: \/recon is not served/,
    'use = egg:swift#memcache': /no client of memcached/,
    'use = egg:swift#ratelimit\naccount_ratelimit = 5': /rateLimit: its limits are not read/,
    'use = egg:swift#gatekeeper': /gatekeeper: it removes the headers/,
    'use = egg:keystone#admin_token_auth': /admin_token is refused/,
    'paste.filter_factory = keystone.middleware:XmlBodyMiddleware.factory': /XML get 415/,
  };
  const text = pipelineOf(...Object.keys(lost));
  const said = (await found(text)).filter(({ code }) => code === 'PORTICO_PASTE_LOST_FUNCTION');
  assert.deepEqual([...new Set(said.map(brief))], ['warning LOST_FUNCTION']);
  assert.equal(said.length, Object.keys(lost).length);
  for (const [at, each] of Object.values(lost).entries()) assert.match(said[at]!.message, each);
  const lines = said.map(({ hint }) => /\n {4}(.*)$/.exec(hint!)?.[1]);
  assert.equal(lines[1], 'egg:swift#recon    portico/middleware:passThrough');
  const confirmed = `${text}[portico:aliases]\npython =\n${lines.map((line) => `    ${line}\n`).join('')}`;
  assert.deepEqual(
    (await found(confirmed)).map(brief).filter((each) => !each.includes('UNUSED_OPTION')),
    [],
  );
});

test('WI-4 a filter that exists is proposed by its name, and no module; a function of swift or nova is named for what it is', async () => {
  const proposals: Readonly<Record<string, string>> = {
    'use = egg:other#gatekeeper': 'egg:other#gatekeeper    portico/middleware:gatekeeper    paste.filter_factory',
    'use = egg:other#proxy-logging': 'egg:other#proxy-logging    portico/middleware:requestLog    paste.filter_factory',
    'paste.filter_factory = other.middleware.ratelimit:filter_factory':
      'other.middleware.ratelimit:filter_factory    portico/middleware:rateLimit',
    'use = egg:swift#tempauth': 'egg:swift#tempauth    ./swift.js:tempauth    paste.filter_factory',
    'paste.filter_factory = nova.api.ec2:Lockout.factory':
      'nova.api.ec2:Lockout.factory    ./nova/api/ec2.js:Lockout.factory',
  };
  const said = await found(pipelineOf(...Object.keys(proposals)));
  assert.deepEqual(
    said.map(({ proposal }) => proposal),
    Object.values(proposals),
  );
  assert.match(said[3]!.hint!, /a pipeline without it lets everybody do everything/);
  assert.match(said[4]!.hint!, /It is a part of the EC2 API/);
});

test('WI-5 a server of Python is a note that says where its address is written, and no error', async () => {
  const servers: Readonly<Record<string, string>> = {
    'use = egg:Paste#http\nhost = 0.0.0.0\nport = 8080': 'port = 8080 and listen = 0.0.0.0',
    'use = egg:waitress#main\nlisten = localhost:6543': 'port = 6543 and listen = localhost',
    'use = egg:waitress\nlisten = *:6543': 'port = 6543 and listen = ::',
    'use = egg:gunicorn#main\nworkers = 3': 'port = …',
    'use = egg:waitress#main\nport = %(http_port)s\nhost = %(host)s': 'port = …',
    'paste.server_factory = own.server:factory\nport = 1': 'port = 1',
  };
  for (const [lines, written] of Object.entries(servers)) {
    const said = await found(`[server:main]\n${lines}\n[app:main]\npaste.app_factory = portico/middleware:echo\n`);
    assert.deepEqual(said.map(brief), ['warning SERVER'], lines);
    assert.deepEqual([said[0]!.section, said[0]!.location?.origin?.line], ['server:main', 1]);
    assert.equal(said[0]!.message, 'this section has no effect: Portico serves by itself.');
    assert.ok(said[0]!.hint!.includes(`Write ${written} in [api:main]`), said[0]!.hint);
    assert.equal(said[0]!.proposal, undefined);
  }
  // A server that is not there is still refused where code loads it.
  const folder = folderOf({ 'a.ini': '[server:main]\nuse = egg:waitress#main\n' });
  await assert.rejects(new Loader(`${folder}/a.ini`).loadServer(), { code: 'PORTICO_PASTE_NO_PACKAGE' });
});

test('WI-7 ComputeReqIdMiddleware sends its id in x-compute-request-id too', async (t) => {
  const text = pipelineOf('paste.filter_factory = nova.api.compute_req_id:ComputeReqIdMiddleware.factory');
  const folder = folderOf({ 'a.ini': text });
  const config = Config.fromText('[DEFAULT]\nfault_style = openstack\n');
  const app = closedAfter(t, await new Loader(`${folder}/a.ini`, { config }).loadApp('main'));
  const { headers } = await request(app, 'GET', '/');
  assert.match(String(headers['x-compute-request-id']), /^req-/);
  assert.equal(headers['x-compute-request-id'], headers['x-openstack-request-id']);
});

test('WI-7 swift has proxy-logging twice in a pipeline: no warning, and a request has one line', async (t) => {
  const text = `[pipeline:main]\npipeline = log catch log app\n[filter:log]\nuse = egg:swift#proxy_logging\n[filter:catch]\npaste.filter_factory = portico/middleware:catchErrors\n${APP}`;
  assert.deepEqual(await found(text), []);
  const twice = text.replaceAll('log catch log', 'catch log catch');
  assert.deepEqual((await found(twice)).map(brief), ['warning FILTER_TWICE']);
  const lines: string[] = [];
  const { createLogger } = await import('portico');
  const folder = folderOf({ 'a.ini': text });
  const log = createLogger({ format: 'json', destination: { write: (line: string) => void lines.push(line) } });
  const app = closedAfter(t, await new Loader(`${folder}/a.ini`, { log }).loadApp('main'));
  await request(app, 'GET', '/things');
  assert.equal(lines.filter((line) => line.includes('/things')).length, 1, lines.join(''));
});

test('WI-7 latent_allow_headers and its like add to what an operator allows', async (t) => {
  const text = pipelineOf(
    'paste.filter_factory = oslo_middleware.cors:filter_factory\nallowed_origin = https://a.example\nallow_headers = X-Mine\nlatent_allow_headers = X-Auth-Token\nlatent_allow_methods = PURGE\nlatent_expose_headers = X-Subject',
  );
  assert.deepEqual(await found(text, ''), []);
  const folder = folderOf({ 'a.ini': text });
  const app = closedAfter(t, await new Loader(`${folder}/a.ini`).loadApp('main'));
  const preflight = {
    origin: 'https://a.example',
    'access-control-request-method': 'PURGE',
    'access-control-request-headers': 'X-Auth-Token, X-Mine',
  };
  const { headers } = await request(app, 'OPTIONS', '/', { headers: preflight });
  assert.equal(headers['access-control-allow-headers'], 'X-Auth-Token,X-Mine');
  assert.match(String(headers['access-control-allow-methods']), /PURGE/);
  const read = await request(app, 'GET', '/', { headers: { origin: 'https://a.example' } });
  assert.equal(read.headers['access-control-expose-headers'], 'X-Subject');
});
