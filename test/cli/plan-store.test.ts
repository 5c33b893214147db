/** Edits of an object store, made together: `plan-store.txt` records what `plan` says of each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyProject } from '../fixtures/project.js';
import { checkEdits, type Edit } from '../plan/edits.js';
import { commandState } from './command-state.js';

const STORE: Readonly<Record<string, string>> = {
  'portico.ini': `[DEFAULT]
enabled_apis = store
[api:store]
port = 8098
workers = 1
[wsgi]
paths = as_sent
allow_underscore_headers = true
`,
  'api-paste.ini': `[composite:store]
use = egg:Paste#urlmap
/: objects
/minio/health: health

[pipeline:objects]
pipeline = request_id rate_limit signed objects_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:rate_limit]
paste.filter_factory = portico/middleware:rateLimit
rules =
  reads address 100/s 200 GET
  writes address 50/s 100 PUT

[filter:signed]
paste.filter_factory = ./app.js:signed

[app:objects_app]
paste.app_factory = ./app.js:app

[app:health]
paste.app_factory = portico/middleware:healthcheck
`,
  'app.js': `import { Router } from 'portico/routing';
export const signed = () => (app) => app;

const tags = {
  type: 'object',
  properties: { tags: { type: 'object', maxProperties: 10, additionalProperties: { type: 'string', maxLength: 256 } } },
  required: ['tags'],
};
const page = { type: 'object', properties: { prefix: { type: 'string' }, 'max-keys': { type: 'integer', minimum: 0, maximum: 1000 } } };
const range = { type: 'object', properties: { range: { type: 'string', pattern: '^bytes=' } } };

export function app() {
  const router = new Router();
  router.get('/', () => ({}));
  router.put('/{bucket:[a-z.-]+}', { status: 200 }, () => ({}));
  router.get('/{bucket:[a-z.-]+}', { query: page }, () => ({}));
  router.delete('/{bucket:[a-z.-]+}', { status: 204 }, () => undefined);
  router.put('/{bucket:[a-z.-]+}/{key:.+}/tagging', { body: tags, status: 200 }, () => ({}));
  router.put('/{bucket:[a-z.-]+}/{key:.+}', { body: 'stream', bodyLimit: 5_000_000_000 }, () => ({}));
  router.get('/{bucket:[a-z.-]+}/{key:.+}', { headers: range }, () => ({}));
  router.delete('/{bucket:[a-z.-]+}/{key:.+}', { status: 204 }, () => undefined);
  return router.build();
}
`,
};

const app = 'app.js';
const ini = 'portico.ini';
const paste = 'api-paste.ini';
const BUCKET = '/{bucket:[a-z.-]+}';
const EDITS: readonly Edit[] = [
  [app, 'maximum: 1000', 'maximum: 500'],
  [app, "'^bytes='", "'^bytes=0'"],
  [app, 'maxProperties: 10', 'maxProperties: 5'],
  [app, "required: ['tags']", "required: ['tags', 'owner']"],
  [
    app,
    "body: 'stream', bodyLimit: 5_000_000_000",
    "body: { 'application/octet-stream': 'stream' }, bodyLimit: 5_000_000",
  ],
  [app, "  router.get('/', () => ({}));\n", ''],
  [app, `router.delete('${BUCKET}', {`, "router.delete('/{bucket:[a-z-]+}', {"],
  [ini, 'paths = as_sent\n', ''],
  [ini, 'allow_underscore_headers = true\n', ''],
  [paste, 'request_id rate_limit signed', 'request_id signed rate_limit'],
  [paste, '50/s 100', '5/s 10'],
  [paste, '/minio/health', '/health'],
];

const { folder: base } = emptyProject({});
const store = join(base, 'store');
mkdirSync(store);
for (const [name, text] of Object.entries(STORE)) writeFileSync(join(store, name), text);
checkEdits({ 'an object store': EDITS }, store, commandState, 'cli/plan-store.txt');
