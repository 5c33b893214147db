import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, readBody, remoteOf } from 'portico/app';
import { lint, request } from 'portico/testing';
import { askRouteListeners, exchangeOf, offerSignal, whenRouted } from '#internal/app';

test('a request has one environ, with its target as it came, whatever a mount does to its URL', async () => {
  const app: App = (req, res) => {
    const env = environ(req);
    req.url = '/rest';
    res.end(JSON.stringify([env === environ(req), env.originalUrl, env.scriptName, env.params, env.route ?? null]));
  };
  assert.deepEqual((await request(app, 'GET', '//a/%2e?b')).json(), [true, '//a/%2e?b', '', {}, null]);
});

test('who asks is the connection, until a filter has found out who it was', async () => {
  const app: App = (req, res) => {
    const first = remoteOf(req);
    environ(req).remote = { address: '192.0.2.1', port: undefined, scheme: 'https', host: 'api.example' };
    res.end(JSON.stringify([first.address, first.scheme, remoteOf(req).address, remoteOf(req).scheme]));
  };
  assert.deepEqual((await request(lint(app), 'GET', '/')).json(), ['127.0.0.1', 'http', '192.0.2.1', 'https']);
});

test('without a request, environ says what it needs', () => {
  assert.throws(() => environ(undefined as never), /^TypeError: environ\(\) needs the request, and got undefined/);
});

test('a field that an application adds has no meaning for a request', async () => {
  const names =
    'body server trace slot connection failure mount original closing hand below routed forwards user state'.split(' ');
  const app: App = async (req, res) => {
    const env = environ(req) as unknown as Record<string, unknown>;
    for (const name of names) env[name] = name;
    const body = await readBody(req);
    res.end(JSON.stringify([String(body), ...names.map((name) => env[name])]));
  };
  const answer = await request(lint(app), 'POST', '/', { body: 'sent' });
  assert.deepEqual(answer.json(), ['sent', ...names]);
});

test('the environ as JSON has its facts, and nothing of the connection', async () => {
  const app: App = (req, res) => {
    environ(req).requestId = 'req-1';
    res.end(JSON.stringify(environ(req)));
  };
  const facts = (await request(app, 'GET', '/a')).json() as object;
  assert.deepEqual({ ...facts }, { originalUrl: '/a', scriptName: '', params: {}, requestId: 'req-1' });
});

test('a signal that was there fires the one that is offered later', async () => {
  const [client, deadline] = [new AbortController(), new AbortController()];
  let made = 0;
  const app: App = (req, res) => {
    const env = environ(req);
    env.signal = client.signal;
    offerSignal(env, () => {
      made++;
      return deadline.signal;
    });
    const before = made;
    const both = env.signal!;
    client.abort('left');
    res.end(JSON.stringify([before, made, both === env.signal, both.reason]));
  };
  assert.deepEqual((await request(app, 'GET', '/')).json(), [0, 1, true, 'left']);
});

test('MW-20 listeners that wait for a route are asked in their order, until one has ended the matter', async () => {
  const route = { name: 'server', template: '/servers/{id}', controller: 'servers', action: 'show' };
  const asked: string[] = [];
  const app: App = async (req, res) => {
    const before = exchangeOf(req).routeFound;
    for (const [name, goesOn] of [
      ['first', true],
      ['second', false],
      ['third', true],
    ] as const) {
      whenRouted(req, async ({ template }) => {
        asked.push(`${name} ${template}`);
        return goesOn;
      });
    }
    const outcome = await askRouteListeners(exchangeOf(req), route, 'GET');
    res.end(JSON.stringify([before ?? null, outcome, exchangeOf(req).routeFound]));
  };
  assert.deepEqual((await request(app, 'GET', '/')).json(), [null, false, route]);
  assert.deepEqual(asked, ['first /servers/{id}', 'second /servers/{id}']);
});
