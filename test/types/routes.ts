// Compiled, never run: the request types that route paths give handlers, and annotations that do not fit them.

import type { Readable } from 'node:stream';
import type { RequestContext } from 'portico/app';
import { collectionPage } from 'portico/openstack';
import { type ActionRequest, action, type KnownCaller, type ParamsOf, Router } from 'portico/routing';
import { z } from 'zod';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(_claim?: T): void => undefined;

// Each form of a variable in a template.
holds<Same<ParamsOf<'/a/{x}'>, { readonly x: string }>>();
holds<Same<ParamsOf<'/a/{x:[a-z]{2}}/{y}'>, { readonly x: string; readonly y: string }>>();
holds<Same<ParamsOf<'/a/{x:int}/{y:bool}'>, { readonly x: number; readonly y: boolean }>>();
holds<Same<ParamsOf<'/a/{rest:path}{.format}'>, { readonly rest: string; readonly format?: string }>>();
holds<Same<ParamsOf<'/a{.n:int}'>, { readonly n?: number }>>();
holds<
  Same<
    ParamsOf<'/a/:x/b/:(y)-:z.:w'>,
    { readonly x: string; readonly y: string; readonly z: string; readonly w: string }
  >
>();
holds<Same<ParamsOf<'/a/*rest'>, { readonly rest: string }>>();
holds<Same<ParamsOf<'/a/*(rest)/b'>, { readonly rest: string }>>();
holds<Same<ParamsOf<'/:x-y/{z}'>, { readonly x: string; readonly z: string }>>();
holds<Same<ParamsOf<'/a\\:b/\\{c\\}/{d}'>, { readonly d: string }>>();
holds<Same<ParamsOf<'/a/{x:\\d\\}}/{y}'>, { readonly x: string; readonly y: string }>>();
holds<Same<ParamsOf<'/a/{x'>, { readonly x: string }>>();

const book = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } } as const;
interface Book {
  title: string;
}
const id = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } } as const;

const router = new Router()
  .get('/articles/{slug}/comments/{id:int}', ({ params, body }, args) => {
    holds<Same<typeof params, { readonly slug: string; readonly id: number }>>();
    holds<Same<typeof args.id, number>>();
    holds<Same<typeof body, unknown>>();
  })
  .post('/articles/{slug}', { name: 'article', body: book, status: 201 }, ({ params, body }) => {
    holds<Same<typeof params, { readonly slug: string }>>();
    holds<Same<typeof body, Book>>();
  });
router.url.article({ slug: 'a' });
// @ts-expect-error the path has another variable
router.url.article({ id: 'a' });

// An inner action takes its params from the path, and body and query from its schemas.
router.put(
  '/articles/{slug}/{id:int}',
  action({ body: book, query: id }, ({ params, body, query }) => {
    holds<Same<typeof params, { readonly slug: string; readonly id: number }>>();
    holds<Same<typeof body, Book>>();
    holds<Same<typeof query, { id: number }>>();
  }),
);
router.connect('/articles/{slug}', {
  handler: action({ body: book }, ({ params, body }) => {
    holds<Same<typeof params, { readonly slug: string }>>();
    holds<Same<typeof body, Book>>();
  }),
});

// connect() infers what get() does, and each takes a controller.
router.connect('/articles/{slug}/{id:int}', {
  conditions: { method: ['PUT'] },
  body: book,
  query: id,
  handler: ({ params, body, query }) => {
    holds<Same<typeof params, { readonly slug: string; readonly id: number }>>();
    holds<Same<typeof body, Book>>();
    holds<Same<typeof query, { id: number }>>();
  },
});
router.connect('/a', {
  body: z.object({ n: z.number() }),
  handler: ({ body }) => {
    holds<Same<typeof body, { n: number }>>();
  },
});
router
  .connect('named', '/a/{x}', {
    body: { 'text/csv': 'text', 'image/*': 'stream' },
    auth: true,
    handler: ({ body, context }) => {
      holds<Same<typeof body, string | Readable>>();
      holds<Same<typeof context, KnownCaller>>();
    },
  })
  .url.named({ x: '1' });
router.connect('/a/{x}', { name: 'by_option', handler: () => 1 }).url.by_option({ x: '1' });
router.connect('/a', { response: { 200: book }, handler: () => ({ title: 'Emma' }) });
// @ts-expect-error the schema requires a title
router.connect('/a', { response: { 200: book }, handler: () => ({ name: 'Emma' }) });
router
  .route('REPORT', '/articles/{slug}', { name: 'report', body: book }, ({ params, body }) => {
    holds<Same<typeof params, { readonly slug: string }>>();
    holds<Same<typeof body, Book>>();
  })
  .url.report({ slug: 'a' });
router.route(['GET', 'PROPFIND'], '/articles/{slug}', ({ params }) => {
  holds<Same<typeof params, { readonly slug: string }>>();
});
// @ts-expect-error misspelt
router.route('REPORT', '/a', { bodi: book }, () => 1);

// Bodies.
router.put('/files/{name}', { body: 'stream' }, ({ body }) => {
  holds<Same<typeof body, Readable>>();
});
router.post('/text', { body: 'text' }, ({ body }) => {
  holds<Same<typeof body, string>>();
});
router.post('/bytes', { body: 'bytes' }, ({ body }) => {
  holds<Same<typeof body, Buffer>>();
});
router.post('/many', { body: { 'application/json': book, 'text/csv': 'text', 'image/*': 'stream' } }, ({ body }) => {
  holds<Same<typeof body, Book | string | Readable>>();
});
action({ body: { 'application/x-www-form-urlencoded': book } }, ({ body }) => {
  holds<Same<typeof body, Book>>();
});
// @ts-expect-error no such kind
router.post('/a', { body: 'strem' }, () => 1);

// Schemas of params.
router.get(
  '/a/{id}',
  action({ params: id }, ({ params }) => holds<Same<typeof params, { id: number }>>()),
);
router.get('/a/{id}', { params: z.object({ id: z.coerce.number() }), body: book }, ({ params, body }) => {
  holds<Same<typeof params, { id: number }>>();
  holds<Same<typeof body, Book>>();
});
action({ params: id, body: book }, ({ params, body }) => {
  holds<Same<typeof params, { id: number }>>();
  holds<Same<typeof body, Book>>();
});
// @ts-expect-error the schema gives a number
action({ params: id }, (request: ActionRequest<{ id: string }>) => request.params.id);

// Results.
router.get('/a', { response: { 200: book } }, () => ({ title: 'Emma' }));
// @ts-expect-error the schema requires a title
router.get('/a', { response: { 200: book } }, () => ({ name: 'Emma' }));

// Misspelt options.
// @ts-expect-error
router.post('/a', { bodi: book }, () => 1);

// An annotation that fits is accepted, and the body keeps its type.
router.get('/a/{slug}', (request: ActionRequest<{ slug: string }>) => request.params.slug);
router.post('/a/{slug}', { body: book }, (request: ActionRequest<{ slug: string }, Book>) => request.body.title);
const annotated = action({ body: book }, (request: ActionRequest<{ slug: string }, Book>) => request.params.slug);
router.post('/a/{slug}', annotated);
// @ts-expect-error the path has no slug
router.post('/a/{id}', annotated);
// @ts-expect-error the body would be unknown
action({ body: book }, (request: ActionRequest<{ slug: string }>) => request.params.slug);
// @ts-expect-error the body would be unknown
router.post('/a/{slug}', { body: book }, (request: ActionRequest<{ slug: string }>) => request.params.slug);
action({ query: id }, (request: ActionRequest<{ slug: string }>) => request.params.slug);
// @ts-expect-error an untyped variable is a text
router.get('/a/{id}', (request: ActionRequest<{ id: number }>) => request.params.id);
router.get(
  '/a/{id}',
  // @ts-expect-error an untyped variable is a text
  action({}, (request: ActionRequest<{ id: number }>) => request.params.id),
);
// @ts-expect-error an untyped variable is a text
router.connect('/a/{id}', { handler: (request: ActionRequest<{ id: number }>) => request.params.id });

// Controllers as classes and objects.
class Books {
  show(request: ActionRequest<{ id: number }>) {
    return request.params.id;
  }
  readonly update = [action({ body: book, params: id }, ({ body }) => body)];
}
router.connect('/a/{id:int}', { controller: Books, action: 'show' });
router.connect('/a/{id}', { controller: Books, action: 'update' });
router.get('/a/{id:int}', { controller: Books, action: 'show', name: 'shown' }).url.shown({ id: 1 });
// @ts-expect-error an untyped variable is a text
router.get('/a/{id}', { controller: Books, action: 'show' });
// @ts-expect-error neither a function nor a controller
router.get('/a/{id}', { status: 201 });
// @ts-expect-error an untyped variable is a text
router.connect('/a/{id}', { controller: Books, action: 'show' });
// @ts-expect-error an untyped variable is a text
router.connect('/a/{id}', { controller: new Books(), action: 'show' });

// Custom types of the application.
const own = new Router({
  types: {
    vlan: { regex: '[0-9]+', parse: (text) => Number(text) },
    day: { regex: '[0-9-]+', parse: (text) => new Date(text), print: (day) => day.toISOString() },
  },
}).get('/{id:vlan}/{on:day}/{n:int}', ({ params }) => {
  holds<Same<typeof params, { readonly id: number; readonly on: Date; readonly n: number }>>();
});
const anyRouter = (_router: Router): void => undefined;
anyRouter(own);

// Ids of resources.
router.resource('book', 'books', { controller: Books, only: ['show'], id: 'int' });
router.resource('book', 'books', { controller: 'books', formatted: false });
// @ts-expect-error an untyped id is a text
router.resource('book', 'books', { controller: Books, only: ['show'] });

// A page has the type that a response declares.
router.get(
  '/books',
  { response: { 200: { type: 'object', required: ['books'], properties: { books: { type: 'array', items: book } } } } },
  (request) => collectionPage(request, 'books', [{ id: '1', title: 'Emma' }]),
);
router.get('/books', { response: { 200: z.object({ books: z.array(z.object({ name: z.string() })) }) } }, (request) =>
  collectionPage(request, 'books', [{ id: '1' }], { show: ({ id }) => ({ name: id }) }),
);
router.get(
  '/books',
  { response: { 200: z.object({ books: z.array(z.object({ name: z.string() })) }) } },
  // @ts-expect-error the items have no name
  (request) => collectionPage(request, 'books', [{ id: '1' }]),
);

// The context of the caller, which `auth: true` guarantees; the nearest `auth` applies.
const guard = (): void => undefined;
type Maybe = RequestContext | undefined;
router.get('/a', { auth: true }, ({ context }) => holds<Same<typeof context, KnownCaller>>());
router.get('/a', { auth: true }, ({ context }) => context.userId.length);
router.get('/a', { auth: false }, ({ context }) => holds<Same<typeof context, Maybe>>());
router.get('/a', { auth: guard }, ({ context }) => holds<Same<typeof context, Maybe>>());
router.get('/a', ({ context }) => holds<Same<typeof context, Maybe>>());
router.post('/a/{id:int}', { auth: true, body: book }, ({ context, params, body }) => {
  holds<Same<typeof context, KnownCaller>>();
  holds<Same<typeof params, { readonly id: number }>>();
  holds<Same<typeof body, Book>>();
});
const known = action({ auth: true }, ({ context }) => context.userId);
action({ auth: guard }, ({ context }) => holds<Same<typeof context, Maybe>>());
router.get('/a', known);
router.get('/a', { auth: true }, (request: ActionRequest<{ id?: string }>) => request.context?.userId);

const guarded = new Router({ auth: true })
  .get('/a', ({ context }) => holds<Same<typeof context, KnownCaller>>())
  .get('/b', { auth: false }, ({ context }) => holds<Same<typeof context, Maybe>>())
  .get('/c', { name: 'c', summary: 'c' }, ({ context }) => holds<Same<typeof context, KnownCaller>>());
anyRouter(guarded);
new Router({ auth: guard }).get('/a', ({ context }) => holds<Same<typeof context, Maybe>>());
declare const options: { auth: boolean };
new Router(options).get('/a', ({ context }) => holds<Same<typeof context, Maybe>>());
new Router({ auth: true, types: { vlan: { regex: '[0-9]+', parse: (text) => Number(text) } } }).get(
  '/{id:vlan}',
  ({ context, params }) => {
    holds<Same<typeof context, KnownCaller>>();
    holds<Same<typeof params, { readonly id: number }>>();
  },
);
const needsCaller = (request: ActionRequest<object, unknown, unknown, object, RequestContext>) =>
  request.context.userId;
router.get('/a', { auth: true }, needsCaller);
// @ts-expect-error the caller may be unknown
router.get('/a', needsCaller);
