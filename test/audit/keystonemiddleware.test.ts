/** Compares events with those of keystonemiddleware.audit, for the same requests and the maps of OpenStack's services. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folderOf } from '../loader/folder.js';
import { audited, type Told } from './audited.js';

/** Debian's Python; and the maps of its package python3-pycadf. */
const PYTHON = '/usr/bin/python3';
const MAPS = '/etc/pycadf';

/** Reads a list of requests, and prints the events of each as a line, for each of the options. */
const PROGRAM = `
import json, logging, sys, warnings
warnings.simplefilter('ignore')
import webob
from keystonemiddleware import audit
told = []
class Notifier:
    def notify(self, context, event_type, payload):
        told.append([event_type, payload])
def app(environ, start_response):
    status = webob.Request(environ).GET.get('status', '200')
    start_response(status + ' x', [])
    return [b'']
asked = json.load(sys.stdin)
for options in json.loads(sys.argv[1]):
    wrapped = audit.filter_factory({}, use_oslo_messaging='false', **options)(app)
    wrapped._notifier = Notifier()
    audit._LOG = logging.getLogger('none')
    for each in asked:
        request = webob.Request.blank(each['path'], method=each['method'], headers=each['headers'], body=each['body'].encode())
        request.environ['REMOTE_ADDR'] = '127.0.0.1'
        for header, name in (('x-request', 'openstack.request_id'), ('x-global', 'openstack.global_request_id')):
            if header in each['headers']:
                request.environ[name] = each['headers'][header]
        told.clear()
        request.get_response(wrapped)
        print(json.dumps(told), flush=True)
`;

const missing =
  existsSync(MAPS) && spawnSync(PYTHON, ['-c', 'import keystonemiddleware.audit']).status === 0
    ? false
    : 'keystonemiddleware and its maps are not installed (Debian: python3-keystonemiddleware, python3-pycadf)';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const endpoint = (port: number, name: string, type: string, id = {}): object => ({
  name,
  type,
  endpoints: [
    {
      ...id,
      adminURL: `http://admin.example:${port}/v2`,
      internalURL: 'http://in.example/',
      publicURL: `http://api.example:${port}/v2`,
    },
  ],
});
const CATALOG = JSON.stringify([
  { name: 'none', type: 'compute', endpoints: [] },
  endpoint(8774, 'nova', 'compute', { id: 'f1' }),
  endpoint(8776, 'cinder', 'volume'),
  { name: 'odd', type: 'odd', endpoints: [{ publicURL: 'http://odd.example:1' }] },
]);
const CALLER = {
  'x-user-id': 'u1',
  'x-user-name': 'ada',
  'x-project-id': 'p1',
  'x-identity-status': 'Confirmed',
  'x-auth-token': 'gAAAAABkDq-4wZ',
  'x-service-catalog': CATALOG,
  'user-agent': 'curl',
};
const HERE = { host: 'api.example:8774' };

const PATHS = [
  '/v2/servers',
  '/v2/servers/',
  '/v2/servers/17?a=b',
  '/v2/servers/17.json',
  '/v2/servers/detail',
  '/v2/servers/17/action',
  '/v2/p1/os-hosts/h/startup',
  '/v2/p1/os-volumes_boot',
  '/v2/p1/volumes/3/metadata/x',
  '/v2/networks.json',
  '/v2/routers/r/add_router_interface',
  '/',
  '/v1/nodes/n/states/power?status=404',
  '/v2/servers?status=302',
  '/v2/alarms/a/history?status=500',
];

/** Requests: all paths with one method, all methods, bodies of an action, hosts, callers. */
function requests(): Asked[] {
  const asked: Asked[] = [];
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body = ''): void => {
    asked.push({ method, path, headers: { ...CALLER, ...HERE, ...headers }, body });
  };
  for (const path of PATHS) for (const method of ['GET', 'POST', 'DELETE']) ask(method, path);
  for (const method of ['PUT', 'PATCH', 'HEAD', 'OPTIONS']) ask(method, '/v2/servers/17');
  for (const body of ['{"reboot": {}, "x": 1}', '{}', '[]', 'no json', '0', '{"os-start": null}'])
    ask('POST', '/v2/servers/17/action', {}, body);
  for (const host of [
    'api.example:8776',
    'admin.example:8774',
    'api.example',
    'odd.example:1',
    'other.example:9',
    'api.example:80',
  ])
    ask('GET', '/v2/servers/17', { host });
  // pycadf shows a shorter one whole.
  for (const token of ['', 'abcdefgh', 'a'.repeat(12), 'b'.repeat(20), 'c'.repeat(28), 'd'.repeat(600)])
    ask('GET', '/', { 'x-auth-token': token });
  ask('GET', '/', { 'x-request': 'req-1', 'x-global': 'req-2' });
  asked.push({ method: 'GET', path: '/v2/servers', headers: HERE, body: '' });
  asked.push({ method: 'GET', path: '/v2/servers', headers: { ...HERE, 'x-service-catalog': '[]' }, body: '' });
  return asked;
}

/** Replaces ids and times, which differ, after a look at their form. */
function comparable(told: unknown): unknown {
  const text = JSON.stringify(told);
  const uuid = /[\da-f]{8}-[\da-f]{4}-[45][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g;
  return JSON.parse(text.replace(uuid, 'UUID').replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000/g, 'TIME'));
}

test('events are those of keystonemiddleware.audit, with the maps of OpenStack', { skip: missing }, async (t) => {
  const own = folderOf({
    'own.conf': `[DEFAULT]\ntarget_endpoint_type = odd\n[custom_actions]\nstartup = start/system\n17/delete = backup\nhistory/get = monitor\n
[path_keywords]\nServers = server\nstates = None\n[service_endpoints]\nodd = service/100%% own\ncompute = service/compute\n`,
  });
  const maps = readdirSync(MAPS).map((name) => join(MAPS, name));
  assert.ok(maps.length > 5);
  const asked = requests();
  const all = [undefined, join(own, 'own.conf'), ...maps].map((file) => ({
    ignore_req_list: 'options, trace',
    ...(file && { audit_map_file: file }),
  }));
  const input = JSON.stringify(asked);
  const python = spawnSync(PYTHON, ['-c', PROGRAM, JSON.stringify(all)], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  assert.equal(python.status, 0, python.stderr);
  const wanted = python.stdout.split('\n');
  for (const options of all) {
    const send = await audited(t, { ...options, use_oslo_messaging: 'false' });
    for (const each of asked) {
      const { method, path, headers, body } = each;
      const told = await send(method, path, { headers, ...(body !== '' && { body }) });
      const line = JSON.parse(wanted.shift()!) as Told[];
      assert.deepEqual(comparable(told), comparable(line), `${JSON.stringify(options)} ${JSON.stringify(each)}`);
    }
  }
});
