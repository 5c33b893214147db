/** Descriptions that authors give their operations, in the document that a router serves; a public validator reads it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { action, Reply, Router, type RouterOptions } from 'portico/routing';
import { request } from 'portico/testing';
import { z } from 'zod';
import { keepingLogger } from './served-router.js';

interface Body {
  readonly description?: string;
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
  readonly headers?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly operationId: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly externalDocs?: object;
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

interface Document {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Paths;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** The document that a router with these routes serves. */
async function served(add: (router: Router) => unknown, options: RouterOptions = {}): Promise<Document> {
  const openapi = { path: '/openapi.json', title: 'x' };
  const router = new Router({ log: keepingLogger(), openapi, ...options });
  add(router);
  const app = await router.build();
  const answer = await request(app, 'GET', '/openapi.json');
  assert.equal(answer.status, 200, answer.text());
  await app.close();
  const { valid, errors } = await new Validator().validate(answer.json() as Record<string, unknown>);
  assert.equal(valid, true, JSON.stringify(errors));
  return answer.json() as Document;
}

test('AU-4 what an author says of a route is in its operation', async () => {
  const { paths } = await served((router) => {
    router.get(
      '/books',
      {
        tags: ['books', 'read'],
        summary: 'Lists books.',
        description: 'All of **them**.',
        operationId: 'listBooks',
        deprecated: true,
        externalDocs: 'https://example.com/books',
      },
      () => [],
    );
    router.post('/books', { externalDocs: { url: 'https://example.com', description: 'More' } }, () => ({}));
    router.get('/secret', { hidden: true }, () => []);
  });
  const { get, post } = paths['/books']!;
  assert.deepEqual(get!.tags, ['books', 'read']);
  assert.equal(get!.summary, 'Lists books.');
  assert.equal(get!.description, 'All of **them**.');
  assert.equal(get!.operationId, 'listBooks');
  assert.equal(get!.deprecated, true);
  assert.deepEqual(get!.externalDocs, { url: 'https://example.com/books' });
  assert.deepEqual(post!.externalDocs, { url: 'https://example.com', description: 'More' });
  assert.deepEqual(Object.keys(paths), ['/books'], 'neither hidden routes nor the document itself');
});

test('AU-4 docs of a Router are defaults of its routes, those of a resource before them, those of an action before both', async () => {
  class Books {
    index() {
      return [];
    }
    show = action({ tags: ['one'], responses: { 404: 'There is no such book.' } }, () => ({}));
  }
  const { paths } = await served(
    (router) => {
      router.resource('book', 'books', {
        controller: Books,
        only: ['index', 'show'],
        formatted: false,
        docs: { tags: ['books'] },
      });
      router.get('/health', () => 'well');
      router.connect('/old', { handler: () => 1, conditions: { method: ['GET'] }, hidden: true });
    },
    { docs: { tags: ['library'], deprecated: true, responses: { 404: 'Unknown.', 429: 'Too many.' } } },
  );
  assert.deepEqual(paths['/books']!.get!.tags, ['books']);
  assert.deepEqual(paths['/books/{id}']!.get!.tags, ['one']);
  assert.deepEqual(paths['/health']!.get!.tags, ['library']);
  assert.equal(paths['/health']!.get!.deprecated, true);
  assert.equal(paths['/books/{id}']!.get!.responses['404']!.description, 'There is no such book.');
  assert.equal(paths['/books/{id}']!.get!.responses['429']!.description, 'Too many.');
  assert.ok(paths['/books']!.get!.responses['404']!.content!['application/json'], 'a fault');
  assert.equal(paths['/old'], undefined);
});

test('AU-4 a response has its media types, headers and schemas; several statuses have theirs', async () => {
  const book = z.object({ title: z.string() });
  const { paths } = await served((router) => {
    router.put(
      '/books/{id}',
      {
        response: { 200: book },
        responses: {
          200: { description: 'It was there.', headers: { ETag: { type: 'string' } } },
          201: { description: 'It is new.', schema: book, headers: { Location: z.string() } },
        },
      },
      () => ({ title: 'Emma' }),
    );
    router.get('/books.csv', { type: 'text/csv' }, () => 'title\n');
    router.get('/cover', { responses: { 200: { type: ['image/png', 'image/jpeg'] } } }, () => Buffer.from('x'));
  });
  const { responses } = paths['/books/{id}']!.put!;
  assert.deepEqual(Object.keys(responses), ['200', '201', 'default']);
  assert.equal(responses['200']!.description, 'It was there.');
  assert.deepEqual(responses['200']!.headers!.ETag, { schema: { type: 'string' } });
  assert.deepEqual(responses['201']!.headers!.Location, { schema: { type: 'string' } });
  assert.ok(responses['201']!.content!['application/json']!.schema);
  assert.deepEqual(paths['/books.csv']!.get!.responses['200']!.content, { 'text/csv': {} });
  assert.deepEqual(Object.keys(paths['/cover']!.get!.responses['200']!.content!), ['image/png', 'image/jpeg']);
});

test('AU-4 an upload has the form that it takes', async () => {
  const form = {
    type: 'object',
    required: ['file'],
    properties: { file: { type: 'string', format: 'binary' }, title: { type: 'string' } },
  } as const;
  const { paths } = await served((router) => {
    router.post(
      '/files',
      { request: { type: 'multipart/form-data', schema: form, description: 'A file.' } },
      () => ({}),
    );
  });
  const { requestBody } = paths['/files']!.post!;
  assert.deepEqual(requestBody, {
    description: 'A file.',
    required: true,
    content: { 'multipart/form-data': { schema: form } },
  });
});

test('AU-4 streams, redirects and responses without a body are described as they are sent', async () => {
  const router = (each: Router) => {
    each.get('/lines', async function* lines() {
      yield 'one\n';
    });
    each.get('/events', { type: 'text/event-stream' }, async function* events() {
      yield ': \n\n';
    });
    each.redirect('/old', '/lines', { _redirectCode: 301 });
    each.get('/go', { status: 303 }, () => new Reply(null, { headers: { location: '/lines' } }));
    each.delete('/lines', { status: 204 }, () => undefined);
    each.get('/value', () => ({}));
  };
  const { paths } = await served(router);
  const responseOf = (path: string, method = 'get') => {
    const { default: _, ...own } = paths[path]![method]!.responses;
    const [[status, { content, headers }]] = Object.entries(own) as [[string, Body]];
    return [status, content && Object.keys(content).join(), headers && Object.keys(headers).join()];
  };
  assert.deepEqual(responseOf('/lines'), ['200', 'application/octet-stream', undefined]);
  assert.deepEqual(responseOf('/events'), ['200', 'text/event-stream', undefined]);
  assert.deepEqual(responseOf('/old'), ['301', undefined, 'Location']);
  assert.deepEqual(responseOf('/go'), ['303', undefined, 'Location']);
  assert.deepEqual(responseOf('/lines', 'delete'), ['204', undefined, undefined]);
  assert.deepEqual(responseOf('/value'), ['200', 'application/json', undefined]);
});

test('AU-4 `type` is the Content-Type of values, streams and replies, but of none that has its own', async () => {
  const router = new Router({ log: keepingLogger() });
  router.get('/csv', { type: 'text/csv' }, async () => 'title\n');
  router.get('/events', { type: 'text/event-stream' }, async function* () {
    yield ': \n\n';
  });
  router.get('/reply', { type: 'text/csv', status: 202 }, () => new Reply('a', { headers: { 'x-a': '1' } }));
  router.get('/own', { type: 'text/csv' }, () => new Reply('a', { headers: { 'Content-Type': 'text/plain' } }));
  router.get('/none', { type: 'text/csv' }, () => undefined);
  const app = await router.build();
  const typeOf = async (path: string) => {
    const { status, headers } = await request(app, 'GET', path);
    return [status, headers['content-type']];
  };
  assert.deepEqual(await typeOf('/csv'), [200, 'text/csv']);
  assert.deepEqual(await typeOf('/events'), [200, 'text/event-stream']);
  assert.deepEqual(await typeOf('/reply'), [202, 'text/csv']);
  assert.deepEqual(await typeOf('/own'), [200, 'text/plain']);
  assert.deepEqual(await typeOf('/none'), [204, undefined]);
  await app.close();
});

test('AU-4 one schema has one name in and out; one that differs is named after its side', async () => {
  const todo = z.object({ title: z.string() }).meta({ id: 'Todo' });
  const page = z.object({ size: z.int().default(10), todos: z.array(todo) }).meta({ id: 'Page' });
  const { components } = await served((router) => {
    router.post('/todos', { body: todo, response: { 200: todo } }, ({ body }) => body);
    router.post('/pages', { body: page, response: { 200: page } }, ({ body }) => body);
  });
  assert.deepEqual(Object.keys(components.schemas).toSorted(), ['Fault', 'Page', 'PageOutput', 'Todo']);
});

test('AU-4 a misspelt fact is refused with the nearest name', async () => {
  const wrong: [string, () => unknown, RegExp][] = [
    ['a Router', () => new Router({ docs: { tag: ['x'] } as never }), /did you mean|tags/i],
    ['an action', () => action({ responses: { 200: { headres: {} } as never } }, () => 1), /headers/],
    ['a request', () => action({ request: { typ: 'text/csv' } as never }, () => 1), /type/],
  ];
  for (const [what, make, said] of wrong) {
    assert.throws(make, (error: Error & { hint?: string }) => said.test(`${error.message} ${error.hint}`), what);
  }
  const router = new Router({ log: keepingLogger() });
  router.get('/x', { tags: 'books' as never }, () => 1);
  router.connect('/y', { handler: () => 1, summary: 5 as never });
  router.resource('a', 'as', { controller: {}, only: [], docs: 'books' as never });
  await assert.rejects(router.build(), (error: Error) => {
    assert.match(error.message, /the tags of a route is/);
    assert.match(error.message, /the summary of a route is/);
    assert.match(error.message, /the docs of a resource is the text "books"/);
    return true;
  });
});
