// Compiled, never run: the types that each kind of schema gives an action.
import { Type as OldType } from '@sinclair/typebox';
import { type } from 'arktype';
import {
  type ActionRequest,
  action,
  type FromSchema,
  Reply,
  SENT,
  type WriteAsConstAfterTheSchema,
} from 'portico/routing';
import { Type } from 'typebox';
import * as v from 'valibot';
import { z } from 'zod';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(_claim?: T): void => undefined;

const zodBody = z.object({
  name: z.string(),
  ram: z.coerce.number().default(1),
  at: z.string().transform((at) => new Date(at)),
});
action({ body: zodBody, query: z.object({ limit: z.coerce.number() }) }, ({ body, query }, args) => {
  holds<Same<typeof body, { name: string; ram: number; at: Date }>>();
  holds<Same<typeof args.body, typeof body | undefined>>();
  holds<Same<typeof query.limit, number>>();
  // @ts-expect-error the schema has no such member
  return body.nme;
});

action({ body: v.object({ name: v.string(), ram: v.optional(v.number(), 1) }) }, ({ body }) => {
  holds<Same<typeof body, { name: string; ram: number }>>();
});

action({ body: type({ name: 'string', 'ram?': 'number' }) }, ({ body }) => {
  holds<Same<typeof body.name, string>>();
  holds<Same<typeof body.ram, number | undefined>>();
});

const typebox = Type.Object({
  name: Type.String(),
  ram: Type.Optional(Type.Integer()),
  kind: Type.Union([Type.Literal('a'), Type.Literal('b')]),
  pair: Type.Tuple([Type.String(), Type.Number()]),
  metadata: Type.Record(Type.String(), Type.String()),
  both: Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Null() })]),
  all: Type.Array(Type.Object({ id: Type.String() })),
});
action({ body: typebox }, ({ body }) => {
  holds<Same<typeof body.name, string>>();
  holds<Same<typeof body.ram, number | undefined>>();
  holds<Same<typeof body.kind, 'a' | 'b'>>();
  holds<Same<typeof body.pair, [string, number]>>();
  holds<Same<typeof body.metadata, Record<string, string>>>();
  holds<Same<typeof body.both, { a: string; b: null }>>();
  holds<Same<typeof body.all, { id: string }[]>>();
  // @ts-expect-error the schema has no such member
  return body.nme;
});
action({ body: OldType.Object({ name: OldType.String(), ram: OldType.Optional(OldType.Integer()) }) }, ({ body }) => {
  holds<Same<typeof body, { ram?: number; name: string }>>();
});

// By version.
action(
  { body: { '2.1': z.object({ name: z.string() }), '2.9': z.object({ name: z.string(), size: z.number() }) } },
  ({ body }) => {
    holds<Same<typeof body.name, string>>();
    holds<Same<typeof body.size, number | undefined>>();
  },
);

// `default` of JSON Schema: filled in everywhere except in a body.
const sized = {
  type: 'object',
  properties: { size: { type: 'integer', default: 1 }, of: { type: 'string' } },
} as const;
action({ query: sized, headers: sized, params: sized, body: sized }, ({ query, headers, params, body }) => {
  type Sized = { size: number; of?: string };
  holds<Same<typeof query, Sized>>();
  holds<Same<typeof headers, Sized>>();
  holds<Same<typeof params, Sized>>();
  holds<Same<typeof body, { size?: number; of?: string }>>();
});
action({ query: { '2.1': sized, '2.9': sized } }, ({ query }) => {
  holds<Same<typeof query.size, number>>();
});

// JSON Schema without `type`.
holds<Same<FromSchema<true>, unknown>>();
holds<Same<FromSchema<false>, never>>();
type Either = {
  type: 'object';
  properties: { id: { type: 'string' }; name: { type: 'string' } };
  anyOf: [{ required: ['id'] }, { required: ['name'] }];
};
holds<Same<FromSchema<Either>, { id?: string; name?: string }>>();
type Extended = {
  allOf: [
    { type: 'object'; required: ['id']; properties: { id: { type: 'string' } } },
    { type: 'object'; properties: { size: { type: 'integer' } } },
  ];
};
holds<Same<FromSchema<Extended>, { id: string; size?: number }>>();
type Pair = { type: 'array'; items: [{ type: 'string' }, { type: 'integer' }]; minItems: 2; additionalItems: false };
holds<Same<FromSchema<Pair>, [string, number]>>();
type AtLeast = { type: 'array'; prefixItems: [{ type: 'string' }]; minItems: 1 };
holds<Same<FromSchema<AtLeast>, [string, ...unknown[]]>>();
type Some = { type: 'object'; patternProperties: { '^x-': { type: 'string' } } };
holds<Same<FromSchema<Some>, Record<string, unknown>>>();

// Results of actions.
const response = {
  200: {
    type: 'object',
    required: ['servers'],
    properties: {
      servers: { type: 'array', items: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
      any: { type: 'object' },
    },
  },
  404: { type: 'object' },
} as const;
interface View {
  readonly id: string;
}
declare const views: readonly View[];
action({ response }, () => ({ servers: views, any: views[0]! }));
action({ response }, async () => ({ servers: await Promise.resolve(views) }));
action({ response }, () => new Reply({ servers: views }, { status: 203 }));
action({ response }, () => SENT);
action({ response }, () => Buffer.from('{"servers":[]}'));
action({ response }, () => {
  throw new Error('none');
});
// @ts-expect-error a member is missing
action({ response }, () => ({}));
// @ts-expect-error a member has another type
action({ response }, async () => ({ servers: [{ id: await Promise.resolve(7) }] }));
// @ts-expect-error in a Reply too
action({ response }, () => new Reply({ servers: [{ id: 7 }] }));
// @ts-expect-error nothing is returned
action({ response }, () => {});
action({ response: { 204: { type: 'null' } } }, () => undefined);
action({ response: { 200: z.object({ id: z.string() }) } }, () => ({ id: 'a' }));
// @ts-expect-error a member has another type
action({ response: { 200: z.object({ id: z.string() }) } }, () => ({ id: 7 }));
action({ response: { 200: Type.Object({ id: Type.String() }) } }, () => ({ id: 'a' }));
// @ts-expect-error a member has another type
action({ response: { 200: Type.Object({ id: Type.String() }) } }, () => ({ id: 7 }));
action({}, () => 7);

// A JSON Schema in a variable without `as const`: the error names the remedy, and all that `unknown` allows stays allowed.
interface Titled {
  title: string;
}
const wide = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } };
declare const isTitled: (value: unknown) => value is Titled;
action({ body: wide, query: wide }, ({ body, query }) => {
  holds<Same<typeof body, WriteAsConstAfterTheSchema>>();
  holds<Same<typeof query, WriteAsConstAfterTheSchema>>();
  // @ts-expect-error Property 'title' does not exist on type 'WriteAsConstAfterTheSchema'.
  return body.title;
});
action({ body: { '2.1': wide, '2.9': wide } }, ({ body }) => holds<Same<typeof body, WriteAsConstAfterTheSchema>>());
action({ body: { type: 'object', required: ['one'], properties: { one: wide } } }, ({ body }) => {
  holds<Same<typeof body.one, WriteAsConstAfterTheSchema>>();
});
action({ body: wide, response: { 200: wide } }, ({ body }) => {
  if (body === undefined || body === null || body === 'none') return null;
  if (typeof body === 'string') return body.length;
  if (Array.isArray(body)) return [...(body as unknown[])];
  if (isTitled(body)) return body.title;
  const { title } = body as Titled;
  zodBody.parse(body);
  return [title, (body as Record<string, unknown>).title, body as string | null, 'title' in (body as object)];
});
action({ body: wide }, (request: ActionRequest<{ id?: string }>) => request.body);
action({ body: wide }, (request: ActionRequest<{ id?: string }, Titled>) => request.body.title);
action({ response: { 200: { type: 'object', required: ['one'], properties: { one: wide } } } }, () => ({ one: null }));
