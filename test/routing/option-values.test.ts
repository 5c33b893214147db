/** Tests option values that TypeScript refuses, as in JavaScript. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, Router, type RouterOptions } from 'portico/routing';
import { request } from 'portico/testing';

type Row = readonly [options: object, said: RegExp];

async function refused(rows: readonly Row[], code: string, build: (options: object) => unknown): Promise<void> {
  for (const [options, said] of rows) {
    await assert.rejects(
      async () => build(options),
      (error: Error & { readonly code?: string; describe(): string }) => {
        assert.match(error.describe(), said);
        assert.equal(error.code, code);
        return true;
      },
      JSON.stringify(options),
    );
  }
}

test('options of an action with values that it cannot have are refused where it is made', async () => {
  const rows: readonly Row[] = [
    [{ bodyLimit: '1mb' }, /the bodyLimit of an action is the text "1mb", not a whole number of bytes above 0/],
    [{ bodyLimit: -1 }, /the bodyLimit of an action is the number -1, not/],
    [{ bodyLimit: Number.NaN, summary: 5 }, /is the number NaN, not .*; the summary of an action is .*, not a text/],
    [{ filters: (app: unknown) => app }, /the filters of an action is a function, not a list/],
    [{ bodyKey: 5 }, /the bodyKey of an action is the number 5, not a text/],
    [{ response: [] }, /the response of an action is a list, not an object/],
    [
      { body: [] },
      /the body of an action is a list, not a schema or schemas by version\n {2}Schemas by version are an object/,
    ],
    [{ query: [5] }, /the query of an action is a list, not a schema or schemas by version/],
  ];
  await refused(rows, 'PORTICO_ACTION_OPTION', (options) => action(options, () => 1));
});

test('options of a route with values that it cannot have fail the build, with their location', async () => {
  const rows: readonly Row[] = [
    [
      { bodyLimit: '1mb' },
      /option-values\.test\.js:\d+:\d+: the route "\/x": the bodyLimit of a route is the text "1mb"/,
    ],
    [{ deadline: -1 }, /the deadline of a route is the number -1, not a number of milliseconds above 0/],
    [{ deadline: Number.NaN }, /the deadline of a route is the number NaN/],
    [{ deadline: '5s' }, /the deadline of a route is the text "5s"/],
    [{ deadline: Number.POSITIVE_INFINITY }, /and below 2147483648/],
    [{ logLevel: 'warning' }, /the logLevel of a route is the text "warning", .*\n {2}Values of logLevel: trace, /],
    [{ config: 5 }, /the config of a route is the number 5, not an object/],
    [{ filters: 5 }, /the filters of a route is the number 5/],
    [{ defaults: 5 }, /the defaults of a route is the number 5, not an object/],
    [{ query: [] }, /the query of a route is a list, not a schema/],
    [{ request: { typ: 'x' } }, /the request of a route has no option "typ"\n {2}Did you mean "type"\?/],
    [{ handler: 5 }, /the handler of a route is the number 5, not a function/],
  ];
  await refused(rows, 'PORTICO_ROUTE_TABLE', (options) =>
    new Router().connect('/x', { handler: () => 1, ...options }).build(),
  );
  const short = { deadline: 2_147_483_647, bodyLimit: 1, logLevel: 'fatal', config: {}, filters: [] };
  await (await new Router().get('/x', short, () => 1).build()).close();
});

test('options of a router with values that it cannot have are refused', async () => {
  const rows: readonly Row[] = [
    [{ bodyLimit: '1mb' }, /the bodyLimit of a Router is the text "1mb", not a whole number of bytes above 0/],
    [{ schemas: 'requierd' }, /the schemas of a Router is the text "requierd", .*\n {2}Did you mean "required"\?/],
    [{ schemaDraft: '2019-09' }, /Values of schemaDraft: draft-07, 2020-12\./],
    [{ onShadow: 'eror' }, /Did you mean "error"\?/],
    [{ compat: 'route' }, /Did you mean "routes"\?/],
    [{ kind: 'x' }, /Values of kind: routes, api, plain, project\./],
    [{ strictPaths: 'no' }, /the strictPaths of a Router is the text "no", not true or false/],
    [{ serializers: { 'text/csv': 5 } }, /the text\/csv of a Router's serializers is the number 5, not a function/],
    [{ types: { vlan: 5 } }, /the vlan of a Router's types is the number 5, not an object/],
    [{ plugins: {} }, /the plugins of a Router is an object, not a list/],
    [{ fastify: 5 }, /the fastify of a Router is the number 5, not an object/],
    [{ log: {} }, /log of a Router is an object, not a Logger/],
    [{ types: { vlan: { regx: '.' } } }, /the type vlan of a Router has no option "regx"\n {2}Did you mean "regex"\?/],
    [{ types: { vlan: { regex: '.' } } }, /the parse of the type vlan of a Router is undefined, not a function/],
    [{ controllers: [] }, /the controllers of a Router is a list, not an object/],
    [{ versions: 5 }, /the versions of a Router is the number 5, not an object/],
    [{ openapi: {} }, /the openapi of a Router is an object, not an object with a path/],
    [{ linkPrefix: 5 }, /the linkPrefix of a Router is the number 5, not a text/],
  ];
  await refused(rows, 'PORTICO_ROUTER_OPTION', (options) => new Router(options as RouterOptions));
});

test('null is no value of an option, and the functions of a type may be in its prototype', async () => {
  class Vlan {
    regex = String.raw`\d+`;
    parse(text: string): number {
      return Number(text);
    }
    print(value: number): string {
      return String(value);
    }
  }
  const names =
    'controllers versions log bodyLimit schemas schemaDraft strictPaths serializers onShadow plugins fastify openapi compat';
  const none = Object.fromEntries(names.split(' ').map((name) => [name, null]));
  const router = new Router({ ...none, types: { vlan: new Vlan() } } as unknown as RouterOptions);
  const list = action({ bodyLimit: null, response: null, summary: null, filters: null } as object, () => ({ a: 1 }));
  const options: object = { controller: { list }, action: 'list', deadline: null, bodyLimit: null, logLevel: null };
  for (const [name, more] of Object.entries({ things: { defaults: null }, others: { response: null } })) {
    router.connect(`/${name}/{id:vlan}`, { ...options, ...more } as object);
  }
  router.get('/short', { response: null, config: null } as object, () => ({ a: 1 }));
  const app = await router.build();
  for (const path of ['/things/1', '/others/1', '/short']) {
    assert.equal((await request(app, 'GET', path)).text(), '{"a":1}');
  }
  await app.close();
  await (await new Router({ types: null } as unknown as RouterOptions).build()).close();
});

test('null for a guard, an input schema or a serializer is refused: it would leave a route open, or a body unchecked', async () => {
  const rows: readonly Row[] = [
    [{ auth: null }, /auth is null, not true, false or a function/],
    [{ serializers: { 'text/csv': null } }, /the text\/csv of a Router's serializers is null, not a function/],
    [{ types: { vlan: null } }, /the vlan of a Router's types is null, not an object/],
  ];
  for (const [options, message] of rows) {
    await assert.rejects(async () => new Router(options as RouterOptions).get('/', () => 1).build(), { message });
  }
  for (const name of ['body', 'query', 'params', 'headers']) {
    const router = new Router().post('/', { [name]: null } as object, () => 1);
    await assert.rejects(router.build(), { message: new RegExp(`the ${name} schema does not compile: it is null`) });
  }
});
