/** Edits of a booking API, each with what `plan` says of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
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
const POST = 'POST /v1/bookings';
const GET = 'GET /v1/rooms';
const SHOW = 'GET /v1/rooms/{id}';

/** Edits of the booking API. */
const EDITS: readonly Edit[] = [
  // The configuration.
  [
    ini,
    'port = 8099',
    'port = 8100',
    ['address-removed', 'api bookings', 'listens on 127.0.0.1:8100, and no longer on 127.0.0.1:8099'],
  ],
  [ini, 'port = 8099', 'port = 8099\nlisten = 0.0.0.0', ['address-removed', 'api bookings', /0\.0\.0\.0:8099/]],
  [ini, 'workers = 2', 'workers = 4', ['workers-changed', 'api bookings', 'workers 2 -> 4']],
  [ini, '[wsgi]', '[api:other]\npipeline = bookings\nport = 8098\n[wsgi]'],
  [
    ini,
    'enabled_apis = bookings',
    'enabled_apis = bookings, health',
    ['api-added', 'api health', 'new, on 127.0.0.1:0'],
  ],
  [
    ini,
    'enabled_apis = bookings',
    'enabled_apis = bookings\nenabled_ssl_apis = bookings',
    ['tls-changed', 'api bookings', 'HTTP -> HTTPS'],
  ],
  [
    ini,
    'manager = ./manager.js:Bookings',
    'pipeline = main\nmanager = ./manager.js:Bookings',
    ['route-removed', GET, 'removed'],
    ['route-removed', SHOW, 'removed'],
    ['route-removed', 'DELETE /v1/rooms/{id}', 'removed'],
    ['route-removed', POST, 'removed'],
    ['mount-removed', 'mount /v1', 'removed from bookings'],
    ['mount-removed', 'mount /health', 'removed from bookings'],
    ['api-app-changed', 'api bookings', 'app bookings -> main'],
    ['route-added', 'GET /rooms', 'new'],
    ['route-added', 'GET /rooms/{id}', 'new'],
    ['route-added', 'DELETE /rooms/{id}', 'new'],
    ['route-added', 'POST /bookings', 'new'],
  ],
  [ini, 'max_queue = 1000', 'max_queue = 100', ['option-of-clients-changed', '[wsgi] max_queue', '1000 -> 100']],
  [ini, 'max_queue = 1000', 'max_queue = 2000', ['option-changed', '[wsgi] max_queue', '1000 -> 2000']],
  [ini, '[wsgi]', '[wsgi]\nrequest_timeout = 20', ['option-of-clients-changed', '[wsgi] request_timeout', '300 -> 20']],
  [ini, '[wsgi]', '[wsgi]\nrequest_timeout = 400', ['option-changed', '[wsgi] request_timeout', '300 -> 400']],
  [ini, 'max_url_length = 8192', 'max_url_length = 4096', ['limit-lowered', '[wsgi] max_url_length', '8192 -> 4096']],
  [ini, 'max_url_length = 8192', 'max_url_length = 9000', ['limit-raised', '[wsgi] max_url_length', '8192 -> 9000']],
  [ini, '[wsgi]', '[wsgi]\npaths = refuse', ['option-of-clients-changed', '[wsgi] paths', 'normalize -> refuse']],
  [
    ini,
    '[DEFAULT]',
    '[DEFAULT]\nfault_style = problem',
    ['faults-changed', 'routes at /v1', 'faults Fault -> Problem'],
    ['option-of-clients-changed', '[DEFAULT] fault_style', 'portico -> problem'],
  ],
  [ini, 'password = first', 'password = second', ['option-changed', '[auth_token] password', 'another secret']],
  [ini, 'max_queue = 1000', 'max_queue = 1000 '],
  // Services.
  [ini, 'enabled_services = mail\n', '', ['service-removed', 'service mail', 'no longer runs']],
  [ini, '[service:mail]', '[service:mail]\ntopic = post', ['topic-changed', 'service mail', 'topic mail -> post']],
  [ini, '[service:mail]', '[service:mail]\nworkers = 3', ['workers-changed', 'service mail', 'workers 1 -> 3']],
  ['manager.js', '  ping() {}\n', '', ['method-removed', 'rpc mail ping', 'removed']],
  ['manager.js', '  ping() {}\n', '  ping() {}\n  pong() {}\n', ['method-added', 'rpc mail pong', 'new']],
  [
    'manager.js',
    "required: ['to']",
    "required: ['to', 'from']",
    ['request-member-became-required', 'rpc mail send', 'args.from is required now'],
  ],
  ['manager.js', "version: '1.2'", "version: '1.3'", ['interface-version-changed', 'rpc mail', 'version 1.2 -> 1.3']],
  [
    'manager.js',
    "version: '1.2'",
    "version: '2.0'",
    ['interface-removed', 'rpc mail', 'interface 1.2 is removed'],
    ['interface-added', 'rpc mail', 'interface 2.0 is new'],
  ],
  ['manager.js', "every('90s'", "every('5m'", ['job-schedule-changed', 'job expire', 'every 1m30s -> every 5m']],
  [
    'manager.js',
    "name: 'expire'",
    "name: 'expiry'",
    ['job-removed', 'job expire', 'removed'],
    ['job-added', 'job expiry', 'new, every 1m30s'],
  ],
  // The paste file.
  [
    paste,
    'request_id cors sizelimit',
    'cors request_id sizelimit',
    ['filter-moved', 'pipeline main', 'request_id moves inside cors'],
  ],
  [paste, 'request_id cors sizelimit', 'request_id sizelimit', ['filter-removed', 'pipeline main', 'cors is removed']],
  [paste, 'cors sizelimit', 'cors read_only sizelimit', ['filter-added', 'pipeline main', 'read_only is new']],
  [
    paste,
    'signed bookings_app',
    'basic_auth bookings_app',
    ['security-added', GET, 'requires basic now'],
    ['security-added', SHOW, 'requires basic now'],
    ['security-added', 'DELETE /v1/rooms/{id}', 'requires basic now'],
    ['security-added', POST, 'requires basic now'],
    ['response-status-added', GET, 'status 401 is new'],
  ],
  [
    paste,
    '/v1: main',
    '/v1: guarded',
    ['mount-changed', 'mount /v1', 'main -> guarded'],
    ['security-added', GET, 'requires basic now'],
  ],
  [
    paste,
    '/v1: main',
    '/v2: main',
    ['route-removed', GET, 'removed'],
    ['mount-removed', 'mount /v1', 'removed from bookings'],
    ['mount-added', 'mount /v2', 'main in bookings'],
    ['route-added', 'GET /v2/rooms', 'new'],
  ],
  [paste, '/health: health\n', '', ['mount-removed', 'mount /health', 'removed from bookings']],
  [paste, '/health: health', '/health: health\n/alive: health', ['mount-added', 'mount /alive', 'health in bookings']],
  [paste, '= 114688', '= 1000', ['limit-lowered', 'filter sizelimit', 'max_request_body_size 114688 -> 1000']],
  [paste, '= 114688', '= 1MiB', ['limit-raised', 'filter sizelimit', /max_request_body_size 114688 -> /]],
  [
    paste,
    'portico/middleware:cors',
    'portico/middleware:cors\nallowed_origin = https://a.example',
    ['section-option-changed', 'filter cors', /allowed_origin .* -> https:\/\/a\.example/],
  ],
  [
    paste,
    'portico/middleware:requestId',
    'portico/middleware:correlationId',
    ['factory-changed', 'filter request_id', 'portico/middleware:requestId -> portico/middleware:correlationId'],
  ],
  [
    paste,
    'secret_key = first',
    'secret_key = second',
    ['section-option-changed', 'filter signed', 'secret_key another secret'],
  ],
  [paste, 'db:first@', 'db:second@', ['section-option-changed', 'filter signed', 'store another secret']],
  [paste, '[app:health]', '# a comment\n[app:health]'],
  // Routes.
  [
    app,
    "  router.connect('/rooms/{id}', { controller: 'rooms', action: 'remove', conditions: { method: ['DELETE'] } });\n",
    '',
    ['route-removed', 'DELETE /v1/rooms/{id}', 'removed'],
  ],
  [
    app,
    "method: ['POST']",
    "method: ['PUT']",
    ['route-removed', POST, 'removed'],
    ['route-added', 'PUT /v1/bookings', 'new'],
  ],
  [app, "method: ['POST']", "method: ['POST', 'PUT']", ['route-added', 'PUT /v1/bookings', 'new']],
  [
    app,
    "'/rooms/{id}', { controller: 'rooms', action: 'show'",
    "'/rooms/{number}', { controller: 'rooms', action: 'show'",
  ],
  [
    app,
    "'/rooms/{id}', { controller: 'rooms', action: 'show'",
    "'/rooms/{id:int}', { controller: 'rooms', action: 'show'",
    ['request-type-narrower', SHOW, 'path.id is integer, and was string'],
  ],
  [
    app,
    "action: 'remove', cond",
    "action: 'show', cond",
    ['response-status-removed', 'DELETE /v1/rooms/{id}', 'status 204 no longer occurs'],
    ['route-action-changed', 'DELETE /v1/rooms/{id}', 'leads to rooms.show, and led to rooms.remove'],
  ],
  [
    app,
    "action: 'show', cond",
    "action: 'show', deadline: 60_000, cond",
    ['deadline-shorter', SHOW, 'deadline none -> 60000 ms'],
  ],
  [
    app,
    "action: 'create', deadline: 60_000",
    "action: 'create', deadline: 1",
    ['deadline-shorter', POST, 'deadline 60000 ms -> 1 ms'],
  ],
  [
    app,
    "action: 'create', deadline: 60_000",
    "action: 'create'",
    ['deadline-longer', POST, 'deadline 60000 ms -> none'],
  ],
  [
    app,
    "  router.connect('/bookings'",
    "  router.connect('/{any}', { controller: 'rooms', action: 'index', conditions: { method: ['GET'] } });\n  router.connect('/bookings'",
    ['route-added', 'GET /v1/{any}', 'new'],
  ],
  [
    app,
    'new Router({ controllers: { rooms } })',
    "new Router({ controllers: { rooms }, versions: { serviceType: 'bookings', min: '1.1', max: '1.4' } })",
    ['versions-removed', 'routes at /v1', 'versions none -> 1.1 to 1.4'],
  ],
  [app, 'status: 204', 'status: 204, deprecated: true', ['deprecated', 'DELETE /v1/rooms/{id}', 'is deprecated']],
  [
    app,
    'status: 204',
    "status: 204, operationId: 'removeRoom'",
    ['operation-id-changed', 'DELETE /v1/rooms/{id}', 'operation rooms.remove -> removeRoom'],
  ],
  [
    app,
    'status: 204 }, () => undefined',
    'status: 200 }, () => ({})',
    ['response-status-removed', 'DELETE /v1/rooms/{id}', 'status 204 no longer occurs'],
    ['response-status-added', 'DELETE /v1/rooms/{id}', 'status 200 is new'],
  ],
  // Requests.
  [
    app,
    "required: ['room'],",
    "required: ['room', 'guest'],",
    ['request-member-became-required', POST, 'body.guest is required now'],
  ],
  [app, "required: ['room'],", "required: ['room', 'nights'],"],
  [app, "required: ['room'],", 'required: [],', ['request-member-became-optional', POST, 'body.room is optional now']],
  [
    app,
    "room: { type: 'string' }, guest",
    "room: { type: 'string' }, note: { type: 'string' }, guest",
    ['request-member-added', POST, 'body.note is new'],
  ],
  [app, "kind: { enum: ['single', 'double'] }, ", '', ['request-member-refused', POST, 'body.kind is refused now']],
  [
    app,
    "enum: ['single', 'double']",
    "enum: ['single']",
    ['request-values-narrower', POST, 'body.kind can no longer be "double"'],
  ],
  [
    app,
    "enum: ['single', 'double']",
    "enum: ['single', 'double', 'suite']",
    ['request-values-wider', POST, 'body.kind can also be "suite"'],
  ],
  [app, 'maxLength: 80', 'maxLength: 40', ['request-bound-narrower', POST, 'body.guest.name: maxLength 80 -> 40']],
  [app, 'maxLength: 80', 'maxLength: 90', ['request-bound-wider', POST, 'body.guest.name: maxLength 80 -> 90']],
  [
    app,
    "nights: { type: 'number'",
    "nights: { type: 'integer'",
    ['request-type-narrower', POST, 'body.nights is integer, and was number'],
  ],
  [app, 'default: 1', 'default: 2', ['request-default-changed', POST, 'body.nights: default 1 -> 2']],
  [app, 'additionalProperties: false,', '', ['request-bound-wider', POST, 'body may have other members']],
  [app, 'maximum: 100', 'maximum: 50', ['request-bound-narrower', GET, 'query.limit: maximum 100 -> 50']],
  [
    app,
    'maximum: 100 } } }',
    "maximum: 100 } }, required: ['limit'] }",
    ['parameter-became-required', GET, 'query.limit is required now'],
  ],
  [
    app,
    'properties: { limit:',
    "properties: { page: { type: 'integer' }, limit:",
    ['parameter-added', GET, 'query.page is new'],
  ],
  [
    app,
    "properties: { limit: { type: 'integer', maximum: 100 } }",
    'properties: {}',
    ['parameter-removed', GET, 'query.limit is no longer known'],
  ],
  [
    app,
    "'x-tenant': { type: 'string' } }",
    "'x-tenant': { type: 'string' } }, required: ['x-tenant']",
    ['parameter-became-required', POST, 'header.x-tenant is required now'],
  ],
  [app, 'body: booking, ', '', ['body-removed', POST, 'a body is no longer known']],
  [
    app,
    'body: booking,',
    "body: { 'application/json': booking, 'text/plain': 'text' },",
    ['body-type-added', POST, 'a body of text/plain is accepted'],
  ],
  // Responses.
  [
    app,
    "state: { enum: ['free', 'taken'] }",
    "size: { type: 'integer' }",
    ['response-member-removed', SHOW, 'response.state is removed'],
    ['response-member-removed', GET, 'response[].state is removed'],
    ['response-member-added', SHOW, 'response.size is new'],
  ],
  [
    app,
    "enum: ['free', 'taken']",
    "enum: ['free', 'taken', 'closed']",
    ['response-values-wider', SHOW, 'response.state can also be "closed"'],
  ],
  [
    app,
    "required: ['id'] };",
    'required: [] };',
    ['response-member-became-optional', SHOW, 'response.id is optional now'],
  ],
  [
    app,
    "properties: { id: { type: 'string' }",
    "properties: { id: { type: ['string', 'null'] }",
    ['response-type-wider', SHOW, 'response.id is null or string, and was string'],
  ],
  [app, "() => ({ id: '1' })", "() => ({ id: '2' })"],
];

const { folder: base, remove } = emptyProject({});
after(remove);
const bookings = join(base, 'bookings');
mkdirSync(bookings);
for (const [name, text] of Object.entries(BOOKINGS)) writeFileSync(join(bookings, name), text);
checkEdits(EDITS, bookings, commandState);
