/**
 * Broken configurations of a small project, each with one kind of error or several: a table that is written out by {@link filesOf}.
 */

/** The changes to a project without errors. */
export interface Broken {
  /** Options of `[DEFAULT]`, of `[api:shop]`, and further sections. */
  readonly defaults?: string;
  readonly api?: string;
  readonly more?: string;
  /** Sections of the paste file in addition, its pipeline, and the factory of its app. */
  readonly sections?: string;
  readonly filters?: string;
  readonly app?: string;
  /** Whole files, in place of others. */
  readonly files?: Readonly<Record<string, string>>;
  /** Only a process can validate it: its code ends or blocks the process. */
  readonly hangs?: true;
}

const CODE = `
import { defineOptions, integer, string } from 'portico/config';
import { appFactory, filterFactory } from 'portico/app';
import { Router } from 'portico/routing';
export const app = () => (_req, res) => res.end('here');
export const greeter = (_global, _local, ctx) => {
  ctx.config.group('greeting', defineOptions({ word: string({ default: 'hello', help: 'What is said.' }) }));
  return (_req, res) => res.end('here');
};
const own = defineOptions({ most: integer({ required: true, min: 1, help: 'How many.' }) });
export const limited = filterFactory('limited', own, () => (inner) => inner);
export const stamp = filterFactory('stamp', defineOptions({ level: integer({ default: 1, help: 'How much.' }) }), () => (inner) => inner);
export const refusing = () => { throw new Error('no such storage'); };
export const late = async () => { throw new TypeError('storage is undefined'); };
export const five = () => 5;
export const notOne = 17;
export const routes = () => {
  const router = new Router();
  router.get('/goods/{id}', () => ({}));
  router.get('/goods/{id', () => ({}));
  return router.app();
};
export class Manager {}
`;

/** Returns the files of a project. */
export function filesOf(it: Broken, port = 0): Record<string, string> {
  const text = (lines: readonly (string | undefined)[]): string => `${lines.filter(Boolean).join('\n')}\n`;
  return {
    'app.js': CODE,
    'api-paste.ini': text([
      `[pipeline:shop]\npipeline = ${it.filters ?? ''} end`,
      `[app:end]\npaste.app_factory = ${it.app ?? './app.js:app'}`,
      it.sections,
    ]),
    'portico.ini': text([
      '[DEFAULT]',
      it.defaults,
      `[api:shop]\n${it.api?.includes('listen') === true ? '' : `port = ${port}`}\nworkers = 1`,
      it.api,
      it.more,
    ]),
    ...it.files,
  };
}

const filter = (factory: string, options = ''): Broken => ({
  filters: 'f',
  sections: `[filter:f]\npaste.filter_factory = ${factory}\n${options}`,
});

/** A wrong value of each option, by group. */
const VALUES: Readonly<Record<string, string>> = {
  DEFAULT: `graceful_shutdown_timeout=soon worker_timeout=-1 restart_method=renew drain_delay=late second_term=kill
    sigint=never sighup_foreground=go max_restarts=many watch_config_files=perhaps log_options=7 backdoor_port=many
    periodic_enable=often periodic_fuzzy_delay=x manager_shutdown_timeout=x report_interval=0 service_down_time=x
    max_memory=huge worker_start_timeout=x log_level=loud log_format=xml strict_config=maybe check_file_modes=7 drain_idle=x
    fault_style=fancy debug=some invalid_input_status=200 log_file=/nowhere/at/all.log enabled_ssl_apis=shp enabled_apis=shop,shop
    config_file=x.ini state_path= logger=./app.js:nope logger=./gone.js:nope`,
  'api:shop': `listen=nowhere:port max_requests=many ssl_cert_file=gone.pem pipeline=shp
    manager=./app.js:Nope manager=./gone.js:Manager manager=Manager fault_style=fancy listen=systemd:x listen=127.0.0.1:99999 workers=zero`,
  wsgi: 'keep_alive=never keep_alive_timeout=soon max_headers=many client_socket_timeout=x',
  control: 'socket_mode=rwx socket=',
  admin: 'listen=nowhere allow_remote=x listen=0.0.0.0:8080 docs=7',
  metrics: 'enabled=x filters=7 status=some',
  ssl: 'min_version=TLSv9 cert_file=gone.pem key_file=gone.pem',
  database: 'connection=mongodb://x pool_size=0 statement_timeout=x',
  servicegroup: 'driver=zookeeper takeover=maybe',
  rpc: 'transport_url=carrier-pigeon:// response_timeout=x executor_pool_size=0 access_policy=all queue_type=x',
};

/** Names that nothing declares. */
const NAMES: Readonly<Record<string, string>> = {
  DEFAULT: 'enabeld_apis=shop zzzzzzzz=1 worker_timeot=3 log_levle=info shop_listen=x bind_port=1',
  'api:shop': 'prot=1 zzzzzzz=2 max_request=3 threads=5',
  'api:shp': 'port=1 zzz=2',
  'api:other': 'prot=1 port=1 zzz=1',
  api: 'auth_strategi=x',
  wsgg: 'keep_alive=false x=1',
  wsgi: 'keep_alive_tmeout=1 zzz=1',
  'wsgi ': 'x=1',
  shop: 'port=1 colour=red',
  cors: 'allowed_orign=x allowed_origin=x',
  crs: 'x=1 allowed_origin=x',
  elsewhere: 'x=1',
  'x-notes': 'x=1',
  stoer: 'colour=1',
  'service:conductr': 'manager=./app.js:Nope topic=x',
  'service:': 'x=1',
  'api:': 'x=1',
  DEFUALT: 'enabled_apis=x enabled_ssl_apis=x',
  sslx: 'cert_file=x',
  paste_deploy: 'x=1',
  servicegrup: 'driver=memory',
};

function ofTable(kind: string, table: Readonly<Record<string, string>>, defaults = ''): [string, Broken][] {
  return Object.entries(table).flatMap(([group, list]) =>
    list.split(/\s+/).map((written): [string, Broken] => {
      const [name, ...value] = written.split('=');
      const line = `${name} = ${value.join('=')}`;
      const lines =
        group === 'DEFAULT'
          ? { defaults: `${defaults}${line}` }
          : group === 'api:shop'
            ? { defaults, api: line }
            : { defaults, more: `[${group}]\n${line}` };
      return [`${kind} [${group}] ${written}`, lines];
    }),
  );
}

/** Paste files and modules. */
const PARTS: Readonly<Record<string, Broken>> = {
  'a filter that is not there': { filters: 'gone' },
  'a filter of nearly that name': {
    filters: 'limted',
    sections: '[filter:limited]\npaste.filter_factory = ./app.js:limited\nmost = 1',
  },
  'a module that is not there': { app: './gone.js:app' },
  'an export that is not there': { app: './app.js:ap' },
  'an export that is no factory': { app: './app.js:notOne' },
  'a package that is not there': { app: 'no-such-package:app' },
  'a reference of Python': { app: 'shop.api:app' },
  'a reference without an export': { app: './app.js' },
  'an app that throws': { app: './app.js:refusing' },
  'an app that rejects': { app: './app.js:late' },
  'an app that is none': { app: './app.js:five' },
  'a filter as an app': { app: './app.js:stamp' },
  'an app as a filter': filter('./app.js:five'),
  'a filter that throws': filter('./app.js:refusing'),
  'a filter without what it requires': filter('./app.js:limited'),
  'a filter with a wrong value': filter('./app.js:limited', 'most = none'),
  'a filter with a value out of range': filter('./app.js:limited', 'most = 0'),
  'a filter with a misspelt option': filter('./app.js:stamp', 'levle = 3'),
  'a filter with an unknown option': filter('./app.js:stamp', 'zzz = 3'),
  'a filter that Portico does not have': filter('portico/middleware:corss'),
  'a filter with wrong, unknown and unused options': filter(
    'portico/middleware:requestLog',
    'slow_mss = 1\nsampl = 1\nslow_ms = x\nlogger_name = x',
  ),
  'a size that is none': filter('portico/middleware:sizelimit', 'max_request_body_size = big'),
  'an origin that is none': filter('portico/middleware:cors', 'allowed_origin = nowhere'),
  'a token filter without keys': filter('portico/middleware:jwtAuth', 'issuer = a\naudience = b'),
  'a secret that is too short': filter('portico/middleware:jwtAuth', 'issuer = a\naudience = b\nsecret = x'),
  'a file of users that is not there': filter('portico/middleware:basicAuth', 'user_file = gone'),
  'keys that are not there': filter('portico/middleware:jwtAuth', 'issuer = a\naudience = b\njwks_file = gone.json'),
  'a validator that is none': filter('portico/middleware:authToken', 'validator = keystoen'),
  'a group of a filter with a wrong value': { ...filter('./app.js:stamp'), more: '[stamp]\nlevel = much' },
  'a group of a filter with an unknown name': { ...filter('./app.js:stamp'), more: '[stamp]\nlevle = 2' },
  'a group of an unused filter with a wrong value': { more: '[sizelimit]\nmax_request_body_size = many' },
  'a group that the app reads, with a wrong name': { app: './app.js:greeter', more: '[greeting]\nwrod = hi' },
  'a group that the app reads': { app: './app.js:greeter', more: '[greeting]\nword = hi' },
  'a group near one that the app reads': { app: './app.js:greeter', more: '[greting]\nword = hi' },
  'an unclosed template': { app: './app.js:routes' },
  'a pipeline without an app': { files: { 'api-paste.ini': '[pipeline:shop]\npipeline =\n' } },
  'a pipeline that contains itself': { files: { 'api-paste.ini': '[pipeline:shop]\npipeline = shop\n' } },
  'an app without a factory': { files: { 'api-paste.ini': '[app:shop]\n' } },
  'a composite without a factory': { files: { 'api-paste.ini': '[composite:shop]\n/ = end\n' } },
  'a map to nothing': { files: { 'api-paste.ini': '[composite:shop]\nuse = egg:Paste#urlmap\n/: gone\n' } },
  'a section of no kind': { sections: '[filtr:x]\npaste.filter_factory = ./app.js:stamp' },
  'a section twice': { sections: '[app:end]\npaste.app_factory = ./app.js:app' },
  'a header without its end': { sections: '[filter:x' },
  'a header without its end behind a filter': filter(
    './app.js:stamp',
    '[filter:x\npaste.filter_factory = ./app.js:stamp',
  ),
  'a header without its end behind a filter of another kind': filter(
    './app.js:stamp',
    'level = 2\n[filter:x\nsize = 1',
  ),
  'a header without its end behind a pipeline': {
    files: {
      'api-paste.ini':
        '[pipeline:shop]\npipeline = end\n[app:end\npaste.app_factory = ./app.js:app\n[app:other]\npaste.app_factory = ./app.js:app\n',
    },
  },
  'an option twice': filter('./app.js:stamp', 'level = 1\nlevel = 2'),
  'an unused filter that is not there': { sections: '[filter:x]\npaste.filter_factory = ./gone.js:x' },
  'a filter twice': { filters: 'f f', sections: '[filter:f]\npaste.filter_factory = ./app.js:stamp' },
  'a comment in a line': filter('./app.js:stamp', 'level = 1 # one'),
  'a variable that is not there': filter('./app.js:stamp', 'level = %(most)s'),
  'a file that is included and is not there': { app: 'config:gone.ini' },
  'a paste file that is not there': { defaults: 'api_paste_config = api-pste.ini' },
  'an empty paste file': { files: { 'api-paste.ini': '' } },
  'a paste file that is not UTF-8': {
    files: { 'api-paste.ini': '[app:shop]\npaste.app_factory = ./app.js:app\n# \0\n' },
  },
  'a module with an error of syntax': { files: { 'app.js': 'export const app = ((;\n' } },
  'a module with an unexpected end': { files: { 'app.js': 'export const app = () => {\n' } },
  'a module that throws': { files: { 'app.js': "throw new Error('no database');\n" } },
  'a module that throws a text': { files: { 'app.js': "throw 'no database';\n" } },
  'a module that imports nothing': { files: { 'app.js': "import './gone.js';\nexport const app = 1;\n" } },
  'a module that imports what is not there': {
    files: { 'app.js': "import { gone } from 'node:fs';\nexport const app = gone;\n" },
  },
  'a module that ends the process': { files: { 'app.js': 'process.exit(3);\n' }, hangs: true },
  'a module that never settles': { files: { 'app.js': 'await new Promise(() => undefined);\n' }, hangs: true },
  'a header that is cut off': { files: { 'portico.ini': '[DEFAULT\nenabled_apis = shop\n' } },
  'a line without a value': { defaults: 'log_level' },
  'a line that continues nothing': { files: { 'portico.ini': '  x = 1\n[api:shop]\nport = 0\nworkers = 1\n' } },
  'an option of a section twice': { api: 'max_requests = 1\nmax_requests = 2' },
  'a section of an API twice': { more: '[api:shop]\nmax_requests = 1' },
  'no API': { files: { 'portico.ini': '[DEFAULT]\nlog_level = info\n' } },
  'an API that the paste file lacks': {
    defaults: 'enabled_apis = shop, store',
    more: '[api:store]\nport = 0\nworkers = 1',
  },
  'only an API that the paste file lacks': { defaults: 'enabled_apis = shp' },
  'only APIs that the paste file lacks': { defaults: 'enabled_apis = shp, store' },
  'only an API whose header is spoilt': {
    files: { 'api-paste.ini': '[pipelin:shop]\npipeline = end\n[app:end]\npaste.app_factory = ./app.js:app\n' },
  },
  'no API, and no paste file': { files: { 'portico.ini': '[DEFAULT]\napi_paste_config = gone.ini\n' } },
  'a missing comma': { defaults: 'enabled_apis = shop store', more: '[api:store]\nport = 0\nworkers = 1' },
  'no port': { files: { 'portico.ini': '[api:shop]\nworkers = 1\n' } },
  'two ports': { files: { 'portico.ini': '[api:shop]\nlisten = 127.0.0.1:1\nport = 2\nworkers = 1\n' } },
  'one port for two APIs': {
    api: 'pipeline = end',
    files: { 'portico.ini': '[api:shop]\nport = 8123\nworkers = 1\n[api:end]\nport = 8123\nworkers = 1\n' },
  },
  'one port for two APIs, and an unknown option': {
    api: 'pipeline = end',
    files: {
      'portico.ini': '[api:shop]\nport = 8123\nworkers = 1\n[api:end]\nport = 8123\ncolour = red\nworkers = 1\n',
    },
  },
  'a certificate of a plain API': {
    files: { 'portico.ini': '[api:shop]\nport = 0\nworkers = 1\nssl_cert_file = x.pem\n' },
  },
  'a certificate that is not there': {
    defaults: 'enabled_ssl_apis = shop',
    api: 'ssl_cert_file = gone.pem\nssl_key_file = gone.key',
  },
  'no certificate': { defaults: 'enabled_ssl_apis = shop' },
  'a certificate that is none': {
    defaults: 'enabled_ssl_apis = shop',
    more: '[ssl]\ncert_file = app.js\nkey_file = app.js',
  },
  'a service without a manager': { more: '[service:work]\ntopic = work' },
  'a service whose module is not there': { more: '[service:work]\nmanager = ./gone.js:Manager' },
  'a service whose manager is not there': { more: '[service:work]\nmanager = ./app.js:Nope' },
  'a service named as an API': { more: '[service:shop]\nmanager = ./app.js:Manager' },
  'two services of one topic': {
    more: '[service:a]\nmanager = ./app.js:Manager\ntopic = x\n[service:b]\nmanager = ./app.js:Manager\ntopic = x',
  },
  'a service without a section': { defaults: 'enabled_apis = shop\nenabled_services = work' },
  'a secret in the main file': {
    defaults: 'jwt_secret = x',
    more: '[jwt]\nsecret = verysecretverysecretverysecretverysecret',
  },
  'a variable of a value that is not there': { api: 'max_requests = $most' },
  'shutdown times that contradict': { defaults: 'manager_shutdown_timeout = 90' },
  'a drain that leaves no time for requests': { defaults: 'drain_delay = 30\ngraceful_shutdown_timeout = 8' },
  'a heartbeat that is late': { defaults: 'service_down_time = 5\nreport_interval = 10' },
  'more workers than there may be': { api: 'workers = 999999999' },
};

/** Several errors at once: pairs of the above in one project, from several files. */
function pairs(): [string, Broken][] {
  const [first, second] = [
    ['max_requests = many', 'prot = 1', 'manager = ./app.js:Nope'],
    [
      'a module that is not there',
      'a filter that is not there',
      'a filter without what it requires',
      'an app that throws',
      'a module that throws',
      'a section twice',
    ],
  ] as const;
  return first.flatMap((api) =>
    second.map((part): [string, Broken] => [
      `${api} and ${part}`,
      { ...PARTS[part], api, more: '[wsgi]\nmax_headers = many' },
    ]),
  );
}

const TWO = '[api:shop]\nport = 0\nworkers = 1\n[api:other]\nport = 0\nworkers = 1\n';
const twice = (shop: string, other: string): Broken => ({
  files: {
    'portico.ini': TWO,
    'api-paste.ini': `[app:shop]\npaste.app_factory = ${shop}\n[app:other]\npaste.app_factory = ${other}\n`,
  },
});

/** Two APIs in one application. */
const SEVERAL: Readonly<Record<string, Broken>> = {
  'two APIs of modules that are not there': twice('./gone.js:a', './lost.js:b'),
  'the second of two APIs throws': twice('./app.js:app', './app.js:refusing'),
  'two APIs throw': twice('./app.js:late', './app.js:refusing'),
  'one export of two is not there': twice('./app.js:ap', './app.js:app'),
};

export const brokenConfigurations: ReadonlyMap<string, Broken> = new Map([
  ...ofTable('value', VALUES),
  ...ofTable('name', NAMES),
  // The option of older versions has no effect.
  ...ofTable('strict name', { elsewhere: 'x=1' }, 'strict_config = true\n'),
  ...Object.entries(PARTS),
  ...pairs(),
  ...Object.entries(SEVERAL),
]);

/** A configuration that is served, with three warnings. */
export const ODD: Broken = {
  more: '[paste_deploy]\nx = 1',
  filters: 'f f',
  sections: '[filter:x\n[filter:f]\npaste.filter_factory = ./app.js:stamp',
};
