// Compiled, never run: code that the compiler must accept, and code that it must refuse.
import { action, type ParamsOf, Router } from 'portico/routing';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(_claim?: T): void => undefined;

holds<Same<ParamsOf<'/servers/{id}'>, { readonly id: string }>>();
holds<Same<ParamsOf<'/servers/{id:uuid}/ips/{n:int}'>, { readonly id: string; readonly n: number }>>();
holds<Same<ParamsOf<'/s/{id:\\d+}{.format}'>, { readonly id: string; readonly format?: string }>>();
holds<Same<ParamsOf<'/a/:(id)/*(rest)'>, { readonly id: string; readonly rest: string }>>();
holds<Same<ParamsOf<'/a/:year/:month'>, { readonly year: string; readonly month: string }>>();
holds<Same<ParamsOf<string>, Readonly<Record<string, string | undefined>>>>();

const router = new Router()
  .connect('server', '/servers/{id}/ips/{n:int}', { handler: ({ params }) => params.id.length + params.n })
  .connect('root', '/', { handler: () => null });

router.url.server({ id: 'a', n: 1 });
router.url.server({ id: 'a', n: 1, page: 2 });
router.url.root();
// @ts-expect-error a parameter is missing
router.url.server({ id: 'a' });
// @ts-expect-error nothing is called so
router.url.servr({ id: 'a', n: 1 });

router.connect('/x/{id}', {
  // @ts-expect-error the template has no such variable
  handler: ({ params }) => params.name,
});

const show = { controller: 'books', action: 'show' };
router.connect('/b', { ...show, conditions: { method: ['GET'] }, defaults: { year: '2004', page: 2, draft: true } });
// @ts-expect-error it belongs to defaults
router.connect('/b', { ...show, year: '2004' });
// @ts-expect-error it belongs to defaults
router.connect('/b/{method}', { ...show, method: 'GET' });
// @ts-expect-error conditions, misspelt
router.connect('/b', { ...show, conditons: { method: ['POST'] } });
// @ts-expect-error it stands in conditions
router.connect('/b', { controller: 'books', action: 'show', method: 'POST' });
// @ts-expect-error it stands in conditions
router.connect('b', '/b', { ...show, methods: ['POST'] });
// @ts-expect-error no route has such a hook
router.connect('/b', { handler: () => 1, preHandler: () => undefined });

action(
  {
    body: {
      type: 'object',
      required: ['server'],
      properties: {
        server: {
          type: 'object',
          required: ['name'],
          properties: { name: { type: 'string' }, ram: { type: 'integer' } },
        },
        kind: { enum: ['a', 'b'] },
        tags: { type: 'array', items: { type: 'string' } },
        size: { type: ['integer', 'string'] },
      },
    },
    query: { type: 'object', properties: { limit: { type: 'integer' } } },
  },
  ({ body, query }) => {
    holds<Same<typeof body.server.name, string>>();
    holds<Same<typeof body.server.ram, number | undefined>>();
    holds<Same<typeof body.kind, 'a' | 'b' | undefined>>();
    holds<Same<typeof body.tags, string[] | undefined>>();
    holds<Same<typeof body.size, string | number | undefined>>();
    holds<Same<typeof query.limit, number | undefined>>();
    // @ts-expect-error the schema has no such member
    return body.server.nme;
  },
);

action({}, ({ body }) => {
  holds<Same<typeof body, unknown>>();
});

const named = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } as const;
const grouped = {
  type: 'object',
  required: ['name', 'policy'],
  properties: { name: { type: 'string' }, policy: { enum: ['hard', 'soft'] }, size: { type: 'integer' } },
} as const;
const metadata = {
  type: 'object',
  patternProperties: { '^[a-z]+$': { type: ['string', 'null'] } },
  additionalProperties: false,
} as const;
const wrapped = { type: 'object', required: ['group'] } as const;

action(
  {
    body: {
      '2.1': { ...wrapped, properties: { group: named } },
      '2.9': { ...wrapped, properties: { group: grouped, metadata } },
    },
    query: { '2.1': { type: 'object', properties: { limit: { type: 'integer' } } } },
    status: { '2.1': 200, '2.9': 201 },
  },
  ({ body, query }) => {
    holds<Same<typeof body.group.name, string>>();
    holds<Same<typeof body.group.policy, 'hard' | 'soft' | undefined>>();
    holds<Same<typeof body.group.size, number | undefined>>();
    holds<Same<typeof body.metadata, Record<string, string | null> | undefined>>();
    holds<Same<typeof query.limit, number | undefined>>();
    // @ts-expect-error no version has such a member
    return body.group.nme;
  },
);
