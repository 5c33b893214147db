/** `[admin] docs`: API descriptions on the admin listener, as HTML and in a browser where one is installed. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import {
  emptyProject,
  freePort,
  type Program,
  startedOnce,
  startProject,
  type UntilEnd,
  untilFileEnds,
} from './program.js';

const app = `
import { action, Router } from 'portico/routing';
const body = { type: 'object', required: ['name'], properties: { name: { type: 'string', description: '<script>alert(1)</script>' } } };
const things = {
  index: action({ summary: 'List <script>alert(2)</script> things', query: { type: 'object', properties: { limit: { type: 'integer', minimum: 1 } } } }, () => ({})),
  create: action({ summary: 'Make a thing', body, status: 201 }, () => ({})),
};
export async function app(_globalConf, _localConf, ctx) {
  process.stderr.write('made ' + process.pid + '\\n');
  const router = new Router({ controllers: { things } });
  router.connect('/things', { controller: 'things', action: 'index', conditions: { method: ['GET'] } });
  router.connect('/things', { controller: 'things', action: 'create', conditions: { method: ['POST'] } });
  const built = await router.build();
  ctx.onClose(() => built.close());
  return built;
}
`;

const paste = `[pipeline:things]
pipeline = request_id things_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[app:things_app]
paste.app_factory = ./app.js:app
`;

interface Served {
  readonly folder: string;
  readonly admin: number;
  readonly program: Program;
  readonly write: (ini: string) => void;
  readonly ini: (docs: string) => string;
}

async function served(t: UntilEnd, docs = 'docs = true'): Promise<Served> {
  const port = await freePort();
  const ini = (line: string): string =>
    `[DEFAULT]\nenabled_apis = things\n[admin]\nlisten = 127.0.0.1:0\n${line}\n[api:things]\nport = ${port}\nworkers = 1\n`;
  const project = emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini(docs) });
  const program = startProject(t, project);
  const admin = await program.adminPort();
  const write = (text: string): void => writeFileSync(join(project.folder, 'portico.ini'), text);
  return { folder: project.folder, admin, program, write, ini };
}

/** The service of the tests that change nothing. */
const file = untilFileEnds();
const shared = startedOnce(() => served(file));

function ask(admin: number, path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${admin}${path}`, { method });
}

test('OP-71 /docs/<api>/openapi.json is what api-cli openapi prints, made by a worker when it is first asked', async () => {
  const { admin, folder, program } = await shared();
  const answers = [await ask(admin, '/docs/things/openapi.json'), await ask(admin, '/docs/things/openapi.json')];
  const [first, second] = await Promise.all(answers.map((answer) => answer.json()));
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get('content-type')]),
    [
      [200, 'application/json'],
      [200, 'application/json'],
    ],
  );
  const { stdout } = await commandBeside(['openapi', '--api', 'things'], { cwd: folder });
  assert.deepEqual([first, second], [JSON.parse(stdout), JSON.parse(stdout)]);
  const made = program.stderr.match(/^made \d+/gm) ?? [];
  assert.equal(made.length, 1, 'by a worker for serving, and not once more to describe');
  assert.ok(!made.includes(`made ${program.pid}`), 'the parent imports no application');
});

test('OP-71 it is off unless a reload or the start turns it on, and a wrong name has the nearest', async (t) => {
  const { admin, write, ini } = await served(t, '');
  for (const path of ['/docs/things/openapi.json']) {
    const off = await ask(admin, path);
    assert.equal(off.status, 404);
    assert.match(await off.text(), /PORTICO_DOCS_OFF[\s\S]*Set docs = true in \[admin\]/);
  }
  write(ini('docs = true'));
  const report = (await (await ask(admin, '/reload', 'POST')).json()) as { changes: { effect: string }[] };
  assert.equal(report.changes[0]?.effect, 'applied');
  assert.equal((await ask(admin, '/docs/things/openapi.json')).status, 200);
  const wrong = await ask(admin, '/docs/thing/openapi.json');
  assert.deepEqual([wrong.status, /Did you mean/.test(await wrong.text())], [404, true]);
});
