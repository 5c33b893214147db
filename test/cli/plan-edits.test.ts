/** Edits of a booking API: `plan-edits.txt` records what `plan` says of each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyProject } from '../fixtures/project.js';
import { checkEdits, type Edit } from '../plan/edits.js';
import { commandState } from './command-state.js';

const BOOKINGS: Readonly<Record<string, string>> = {
  'portico.ini': `[DEFAULT]
enabled_apis = bookings
enabled_services = mail
[api:bookings]
port = 8099
workers = 2
manager = ./manager.js:Bookings
[service:mail]
manager = ./manager.js:Mail
[rpc]
transport_url = memory://
[wsgi]
max_queue = 1000
max_url_length = 8192
[auth_token]
password = first
`,
  'api-paste.ini': `[composite:bookings]
use = egg:Paste#urlmap
/v1: main
/health: health

[pipeline:main]
pipeline = request_id cors sizelimit signed bookings_app

[pipeline:guarded]
pipeline = request_id basic_auth bookings_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:cors]
paste.filter_factory = portico/middleware:cors

[filter:basic_auth]
paste.filter_factory = portico/middleware:basicAuth
user_file = users

[filter:signed]
paste.filter_factory = ./app.js:signed
secret_key = first
store = postgres://db:first@localhost/x

[filter:read_only]
paste.filter_factory = portico/middleware:readOnly

[filter:sizelimit]
paste.filter_factory = portico/middleware:sizelimit
max_request_body_size = 114688

[app:bookings_app]
paste.app_factory = ./app.js:app

[app:health]
paste.app_factory = portico/middleware:healthcheck
`,
  users: 'a:$2b$04$abcdefghijklmnopqrstuuSGiN6n2M1r5pqvYKz9qQz0wUq5Cw2yW\n',
  'manager.js': `import { rpc } from 'portico/rpc';
export class Bookings {
  constructor(context) {
    context.tasks.every('90s', () => undefined, { name: 'expire' });
  }
}
export class Mail {
  target = { version: '1.2' };
  send(_context, { to }) {}
  ping() {}
}
rpc({ args: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] } })(Mail.prototype.send);
`,
  'app.js': `import { action, Router } from 'portico/routing';
const guest = { type: 'object', properties: { name: { type: 'string', maxLength: 80 }, age: { type: 'integer', minimum: 0 } }, required: ['name'] };
const booking = {
  type: 'object',
  additionalProperties: false,
  properties: { room: { type: 'string' }, guest, kind: { enum: ['single', 'double'] }, nights: { type: 'number', default: 1 } },
  required: ['room'],
};
const room = { type: 'object', properties: { id: { type: 'string' }, state: { enum: ['free', 'taken'] } }, required: ['id'] };
const rooms = {
  index: action({ query: { type: 'object', properties: { limit: { type: 'integer', maximum: 100 } } }, response: { 200: { type: 'array', items: room } } }, () => []),
  show: action({ response: { 200: room } }, () => ({ id: '1' })),
  create: action({ body: booking, headers: { type: 'object', properties: { 'x-tenant': { type: 'string' } } }, status: 201 }, () => ({})),
  remove: action({ status: 204 }, () => undefined),
};
export const signed = () => (app) => app;
export async function app(_settings, ctx) {
  const router = new Router({ controllers: { rooms } });
  router.connect('/rooms', { controller: 'rooms', action: 'index', conditions: { method: ['GET'] } });
  router.connect('/rooms/{id}', { controller: 'rooms', action: 'show', conditions: { method: ['GET'] } });
  router.connect('/rooms/{id}', { controller: 'rooms', action: 'remove', conditions: { method: ['DELETE'] } });
  router.connect('/bookings', { controller: 'rooms', action: 'create', deadline: 60_000, conditions: { method: ['POST'] } });
  return router.build();
}
`,
};

const paste = 'api-paste.ini';
const ini = 'portico.ini';
const app = 'app.js';

/** Edits of the booking API. */
const EDITS: readonly Edit[] = [
  // The configuration.
  [ini, 'port = 8099', 'port = 8100'],
  [ini, 'port = 8099', 'port = 8099\nlisten = 0.0.0.0'],
  [ini, 'workers = 2', 'workers = 4'],
  [ini, '[wsgi]', '[api:other]\npipeline = bookings\nport = 8098\n[wsgi]'],
  [ini, 'enabled_apis = bookings', 'enabled_apis = bookings, health'],
  [ini, 'enabled_apis = bookings', 'enabled_apis = bookings\nenabled_ssl_apis = bookings'],
  [ini, 'manager = ./manager.js:Bookings', 'pipeline = main\nmanager = ./manager.js:Bookings'],
  [ini, 'max_queue = 1000', 'max_queue = 100'],
  [ini, 'max_queue = 1000', 'max_queue = 2000'],
  [ini, '[wsgi]', '[wsgi]\nrequest_timeout = 20'],
  [ini, '[wsgi]', '[wsgi]\nrequest_timeout = 400'],
  [ini, 'max_url_length = 8192', 'max_url_length = 4096'],
  [ini, 'max_url_length = 8192', 'max_url_length = 9000'],
  [ini, '[wsgi]', '[wsgi]\npaths = refuse'],
  [ini, '[DEFAULT]', '[DEFAULT]\nfault_style = problem'],
  [ini, 'password = first', 'password = second'],
  // An option that a filter takes from the configuration is told once.
  [ini, '[wsgi]', '[cors]\nallowed_origin = https://a.example\n[wsgi]'],
  [ini, 'max_queue = 1000', 'max_queue = 1000 '],
  // Services.
  [ini, 'enabled_services = mail\n', ''],
  [ini, '[service:mail]', '[service:mail]\ntopic = post'],
  [ini, '[service:mail]', '[service:mail]\nworkers = 3'],
  ['manager.js', '  ping() {}\n', ''],
  ['manager.js', '  ping() {}\n', '  ping() {}\n  pong() {}\n'],
  ['manager.js', "required: ['to']", "required: ['to', 'from']"],
  ['manager.js', "version: '1.2'", "version: '1.3'"],
  ['manager.js', "version: '1.2'", "version: '2.0'"],
  ['manager.js', "every('90s'", "every('5m'"],
  ['manager.js', "name: 'expire'", "name: 'expiry'"],
  // The paste file.
  [paste, 'request_id cors sizelimit', 'cors request_id sizelimit'],
  [paste, 'request_id cors sizelimit', 'request_id sizelimit'],
  [paste, 'cors sizelimit', 'cors read_only sizelimit'],
  [paste, 'signed bookings_app', 'basic_auth bookings_app'],
  [paste, '/v1: main', '/v1: guarded'],
  [paste, '/v1: main', '/v2: main'],
  [paste, '/health: health\n', ''],
  [paste, '/health: health', '/health: health\n/alive: health'],
  [paste, '= 114688', '= 1000'],
  [paste, '= 114688', '= 1MiB'],
  [paste, 'portico/middleware:cors', 'portico/middleware:cors\nallowed_origin = https://a.example'],
  [paste, 'portico/middleware:requestId', 'portico/middleware:correlationId'],
  [paste, 'secret_key = first', 'secret_key = second'],
  [paste, 'db:first@', 'db:second@'],
  [paste, '[app:health]', '# a comment\n[app:health]'],
  // Routes.
  [
    app,
    "  router.connect('/rooms/{id}', { controller: 'rooms', action: 'remove', conditions: { method: ['DELETE'] } });\n",
    '',
  ],
  [app, "method: ['POST']", "method: ['PUT']"],
  [app, "method: ['POST']", "method: ['POST', 'PUT']"],
  [
    app,
    "'/rooms/{id}', { controller: 'rooms', action: 'show'",
    "'/rooms/{number}', { controller: 'rooms', action: 'show'",
  ],
  [
    app,
    "'/rooms/{id}', { controller: 'rooms', action: 'show'",
    "'/rooms/{id:int}', { controller: 'rooms', action: 'show'",
  ],
  [app, "action: 'remove', cond", "action: 'show', cond"],
  [app, "action: 'show', cond", "action: 'show', deadline: 60_000, cond"],
  [app, "action: 'create', deadline: 60_000", "action: 'create', deadline: 1"],
  [app, "action: 'create', deadline: 60_000", "action: 'create'"],
  [
    app,
    "  router.connect('/bookings'",
    "  router.connect('/{any}', { controller: 'rooms', action: 'index', conditions: { method: ['GET'] } });\n  router.connect('/bookings'",
  ],
  [
    app,
    'new Router({ controllers: { rooms } })',
    "new Router({ controllers: { rooms }, versions: { serviceType: 'bookings', min: '1.1', max: '1.4' } })",
  ],
  [app, 'status: 204', 'status: 204, deprecated: true'],
  [app, 'status: 204', "status: 204, operationId: 'removeRoom'"],
  [app, 'status: 204 }, () => undefined', 'status: 200 }, () => ({})'],
  // Requests.
  [app, "required: ['room'],", "required: ['room', 'guest'],"],
  [app, "required: ['room'],", "required: ['room', 'nights'],"],
  [app, "required: ['room'],", 'required: [],'],
  [app, "room: { type: 'string' }, guest", "room: { type: 'string' }, note: { type: 'string' }, guest"],
  [app, "kind: { enum: ['single', 'double'] }, ", ''],
  [app, "enum: ['single', 'double']", "enum: ['single']"],
  [app, "enum: ['single', 'double']", "enum: ['single', 'double', 'suite']"],
  [app, 'maxLength: 80', 'maxLength: 40'],
  [app, 'maxLength: 80', 'maxLength: 90'],
  [app, "nights: { type: 'number'", "nights: { type: 'integer'"],
  [app, 'default: 1', 'default: 2'],
  [app, 'additionalProperties: false,', ''],
  [app, 'maximum: 100', 'maximum: 50'],
  [app, 'maximum: 100 } } }', "maximum: 100 } }, required: ['limit'] }"],
  [app, 'properties: { limit:', "properties: { page: { type: 'integer' }, limit:"],
  [app, "properties: { limit: { type: 'integer', maximum: 100 } }", 'properties: {}'],
  [app, "'x-tenant': { type: 'string' } }", "'x-tenant': { type: 'string' } }, required: ['x-tenant']"],
  [app, 'body: booking, ', ''],
  [app, 'body: booking,', "body: { 'application/json': booking, 'text/plain': 'text' },"],
  // Responses.
  [app, "state: { enum: ['free', 'taken'] }", "size: { type: 'integer' }"],
  [app, "enum: ['free', 'taken']", "enum: ['free', 'taken', 'closed']"],
  [app, "required: ['id'] };", 'required: [] };'],
  [app, "properties: { id: { type: 'string' }", "properties: { id: { type: ['string', 'null'] }"],
  [app, "() => ({ id: '1' })", "() => ({ id: '2' })"],
];

const { folder: base } = emptyProject({});
const bookings = join(base, 'bookings');
mkdirSync(bookings);
for (const [name, text] of Object.entries(BOOKINGS)) writeFileSync(join(bookings, name), text);
checkEdits(EDITS, bookings, commandState, 'cli/plan-edits.txt');
