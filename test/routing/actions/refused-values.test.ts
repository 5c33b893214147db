/** Refused values in responses: none, unless a renderer of the application sends them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type } from 'arktype';
import type { FaultRenderer } from 'portico/app';
import { Router, type Schema } from 'portico/routing';
import * as v from 'valibot';
import { z } from 'zod';
import { serveRouter } from '../served-router.js';

const CARD = '4111111111111111';
const PIN = 73_019;

/** Bodies with a card and a PIN that each library refuses, by type, length, pattern, choice and equality. */
const SCHEMAS: Readonly<Record<string, readonly Schema[]>> = {
  'JSON Schema': [
    { type: 'integer' },
    { maxLength: 3 },
    { pattern: '^x' },
    { enum: ['a', 'b'] },
    { const: 'a' },
    { format: 'email' },
    { not: { type: 'string' } },
    { anyOf: [{ type: 'integer' }, { maxLength: 2 }] },
  ].map((card) => ({ type: 'object', properties: { card, pin: { type: 'integer', maximum: 9 } } }) as const),
  zod: [
    z.number(),
    z.string().max(3),
    z.enum(['a', 'b']),
    z.literal('a'),
    z.email(),
    z.union([z.number(), z.null()]),
  ].map((card) => z.object({ card, pin: z.number().max(9) })),
  valibot: [
    v.number(),
    v.pipe(v.string(), v.maxLength(3)),
    v.picklist(['a', 'b']),
    v.literal('a'),
    v.pipe(v.string(), v.email()),
    v.union([v.number(), v.null()]),
  ].map((card) => v.object({ card, pin: v.pipe(v.number(), v.maxValue(9)) })),
  arktype: (['number', 'string <= 3', '"a" | "b"', '"a"', 'string.email', 'number | null', '/^x/'] as const).map(
    (card) => type({ card: card as 'number', pin: 'number < 9' }),
  ),
};

test('AD-5 no built-in style sends a part of a body that is not JSON', async (t) => {
  for (const faultStyle of ['portico', 'openstack', 'problem'] as const) {
    const router = new Router({ faultStyle });
    router.post('/', { body: { type: 'object' } }, () => 'taken');
    const send = await serveRouter(t, router);
    for (const body of ['{"user":"ada","password": hunter2}', 'hunter2', '{"password":"hunter2"', '["hunter2",]']) {
      const { status, text } = await send('POST', '/', { body });
      assert.equal(status, 400);
      assert.match(text, /The body is not JSON\./);
      assert.doesNotMatch(text, /hunter|ada|assword/);
    }
  }
});

for (const [library, schemas] of Object.entries(SCHEMAS)) {
  test(`AD-5 no built-in style sends a value that a schema of ${library} refuses`, async (t) => {
    for (const faultStyle of ['portico', 'openstack', 'problem'] as const) {
      for (const [at, body] of schemas.entries()) {
        const router = new Router({ faultStyle });
        router.post('/', { body }, () => 'taken');
        const send = await serveRouter(t, router);
        for (const card of [CARD, [CARD], { number: CARD }]) {
          const { status, text } = await send('POST', '/', { body: JSON.stringify({ card, pin: PIN }) });
          const said = `${faultStyle} ${at} ${JSON.stringify(card)}: ${text}`;
          assert.equal(status, 400, said);
          assert.ok(!text.includes(CARD) && !text.includes(String(PIN)), said);
          assert.match(text, /card|pin/, said);
        }
      }
    }
  });
}

test('AD-5 queries, headers and path variables are refused without their values, in one sentence', async (t) => {
  const router = new Router();
  const number = { type: 'object', properties: { 'x-card': { type: 'integer' }, card: { type: 'integer' } } } as const;
  router.get('/query', { query: number }, () => '');
  router.get('/headers', { headers: number }, () => '');
  router.get('/params/{card}', { params: number }, () => '');
  const send = await serveRouter(t, router);
  const card = `${CARD}x`;
  for (const [path, name] of [
    [`/query?card=${card}`, 'query parameter card'],
    ['/headers', 'header x-card'],
    [`/params/${card}`, 'path parameter card'],
  ] as const) {
    const { status, text, json } = await send('GET', path, { headers: { 'x-card': card } });
    assert.equal(status, 400);
    assert.ok(!text.includes(CARD), text);
    const { error } = json as { error: { message: string } };
    assert.equal(error.message, `Invalid input for ${name}: must be integer.`);
  }
});

test('AD-5 a renderer of the application may send a value, but none whose name looks secret', async (t) => {
  const faultStyle: FaultRenderer = ({ issues }) => ({
    body: issues.map(({ path, value }) => [path.join('.'), value]),
  });
  const router = new Router({ faultStyle });
  const integer = { type: 'integer' } as const;
  const properties = { title: integer, password: integer, key: { ...integer, writeOnly: true } };
  router.post('/', { body: { type: 'object', properties } }, () => '');
  const send = await serveRouter(t, router);
  const body = JSON.stringify({ title: 'Emma', password: 'hunter2', key: 'k1' });
  assert.deepEqual((await send('POST', '/', { body })).json, [
    ['title', 'Emma'],
    ['password', '****'],
    ['key', '****'],
  ]);
});
