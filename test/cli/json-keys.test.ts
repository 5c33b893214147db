/** The keys of JSON that commands print: scripts read them, so none may change with the name of a variable. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject } from '../fixtures/project.js';
import { command } from './command.js';

const FILES = {
  'app.js': `import { Router } from 'portico/routing';
export const app = () => {
  const router = new Router();
  router.get('/books/{id}', () => ({ id: 1 }));
  router.post('/books', () => ({ id: 1 }));
  return router.build();
};
export const filter = () => (app) => app;
`,
  'api-paste.ini': `[pipeline:books]
pipeline = request_id own app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:own]
paste.filter_factory = ./app.js:filter

[app:app]
paste.app_factory = ./app.js:app
`,
  'portico.ini': '[DEFAULT]\nenabled_apis = books\n\n[api:books]\nport = 0\nworkers = 1\nport_of = 8\n',
};

/** Returns the paths of all keys, sorted: `errors[].code`. */
function keysOf(value: unknown): string[] {
  const found = new Set<string>();
  const visit = (each: unknown, at: string): void => {
    if (Array.isArray(each)) for (const item of each) visit(item, `${at}[]`);
    else if (typeof each === 'object' && each !== null) {
      // Their names are those of a filter.
      if (at.endsWith('.options')) return;
      for (const [key, inner] of Object.entries(each)) {
        const own = at === '' ? key : `${at}.${key}`;
        found.add(own);
        visit(inner, own);
      }
    }
  };
  visit(value, '');
  return [...found].sort();
}

const KEYS: readonly (readonly [words: readonly string[], keys: string])[] = [
  [
    ['check', '--json'],
    `[].code [].column [].file [].hint [].line [].message [].note [].option [].page [].section [].severity`,
  ],
  [
    ['config', 'show', 'api:books.port', '--json'],
    `options options[].group options[].isDefault options[].location options[].location.detail options[].location.kind
    options[].location.origin options[].location.origin.column options[].location.origin.file options[].location.origin.line
    options[].location.origin.option options[].location.origin.section options[].location.origin.text options[].opt options[].shadowed
    options[].value schema version`,
  ],
  [
    ['routes', '--json'],
    `routers routers[].api routers[].pluginRoutes routers[].prefix routers[].routes routers[].routes[].action
    routers[].routes[].bodyLimit
    routers[].routes[].controller routers[].routes[].deadline routers[].routes[].filters routers[].routes[].methods routers[].routes[].name
    routers[].routes[].origin routers[].routes[].origin.column routers[].routes[].origin.file routers[].routes[].origin.line
    routers[].routes[].path routers[].routes[].redirect routers[].routes[].requirements routers[].routes[].shadowedBy
    routers[].routes[].template routers[].routes[].types routers[].routes[].url schema version`,
  ],
  [
    ['explain', 'GET', '/books/1', '--json'],
    `action allow apiVersion issues match match.action match.controller match.id nearest plugin request request.headers
    request.headers.host request.method request.secure request.url route route.action route.bodyLimit route.controller route.deadline route.filters route.methods
    route.name route.origin route.origin.column route.origin.file route.origin.line route.path route.redirect route.requirements
    route.shadowedBy route.template route.types schema status steps steps[].factory steps[].name steps[].origin
    steps[].origin.column steps[].origin.file steps[].origin.line steps[].origin.section steps[].origin.text steps[].scriptName
    steps[].text steps[].url steps[].what valid version`,
  ],
  [
    ['explain', 'GET', '/nothing', '--json'],
    `action allow apiVersion issues match nearest plugin request request.headers request.headers.host request.method request.secure
    request.url route schema status steps steps[].answers steps[].factory steps[].name steps[].origin steps[].origin.column
    steps[].origin.file steps[].origin.line steps[].origin.section steps[].origin.text steps[].scriptName steps[].text steps[].url
    steps[].what valid version`,
  ],
  [
    ['pipeline', '--json'],
    `apps apps[].children apps[].children[].children apps[].children[].factory apps[].children[].file apps[].children[].line
    apps[].children[].name apps[].children[].options apps[].children[].type apps[].file apps[].line apps[].name apps[].options
    apps[].type file schema version`,
  ],
];

for (const [words, keys] of KEYS) {
  test(`OP-18 the keys of api-cli ${words.join(' ')}`, () => {
    const { folder } = emptyProject(FILES);
    const { stdout } = command([...words], { cwd: folder });
    assert.deepEqual(keysOf(JSON.parse(stdout)), keys.split(/\s+/));
  });
}
