/** A project in a git repository, with one commit. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyProject } from '../fixtures/project.js';

/** A booking API, as an application of a user. */
export const FILES: Readonly<Record<string, string>> = {
  '.gitignore': 'node_modules\n',
  'portico.ini': `[DEFAULT]
enabled_apis = bookings
[api:bookings]
port = 8099
workers = 1
[wsgi]
max_queue = 1000
`,
  'api-paste.ini': `[composite:bookings]
use = egg:Paste#urlmap
/v1: main
/health: health

[pipeline:main]
pipeline = request_id sizelimit bookings_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:sizelimit]
paste.filter_factory = portico/middleware:sizelimit
max_request_body_size = 114688

[app:bookings_app]
paste.app_factory = ./app.js:app

[app:health]
paste.app_factory = portico/middleware:healthcheck
`,
  'app.js': `import { action, Router } from 'portico/routing';
const booking = {
  type: 'object',
  additionalProperties: false,
  properties: { room: { type: 'string' }, guest: { type: 'string', maxLength: 80 } },
  required: ['room'],
};
const rooms = {
  index: action({ response: { 200: { type: 'object', properties: { rooms: { type: 'array' } } } } }, () => ({ rooms: [] })),
  show: () => ({}),
  create: action({ body: booking, status: 201 }, () => ({})),
};
export async function app() {
  const router = new Router({ controllers: { rooms } });
  router.connect('/rooms', { controller: 'rooms', action: 'index', conditions: { method: ['GET'] } });
  router.connect('/rooms/{id}', { controller: 'rooms', action: 'show', conditions: { method: ['GET'] } });
  router.connect('/bookings', { controller: 'rooms', action: 'create', conditions: { method: ['POST'] } });
  return router.build();
}
`,
};

export interface Repository {
  readonly folder: string;
  git(...words: string[]): string;
  /** Replaces a text of a file that occurs once. */
  edit(file: string, from: string, to: string): void;
}

/** Returns a repository with one commit on `main`. */
export function repository(files: Readonly<Record<string, string>> = FILES): Repository {
  const { folder } = emptyProject(files);
  const git = (...words: string[]): string =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...words], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=first');
  const edit = (file: string, from: string, to: string): void => {
    const text = readFileSync(join(folder, file), 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${file} does not have ${from} once`);
    writeFileSync(join(folder, file), text.replace(from, to));
  };
  return { folder, git, edit };
}
