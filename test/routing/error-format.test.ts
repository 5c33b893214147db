/** An own format for all errors of an API, and versions like those of Placement. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { environ, Fault, type FaultRenderer, requestPath } from 'portico/app';
import type { RefusedVersion, RouterOptions } from 'portico/routing';
import { z } from 'zod';
import { keepingLogger, serveRouter, testBoth } from './served-router.js';

/** Placement's errors: https://docs.openstack.org/placement/latest/contributor/api-ref-guideline.html */
const placement: FaultRenderer = ({ status, title, message, kind, data, issues: [first] }, req) => {
  const { requestId, apiVersion = '1.0' } = environ(req);
  const hasCodes = Number(apiVersion.split('.')[1]) >= 23;
  const detail =
    first === undefined
      ? message
      : `JSON does not validate: ${JSON.stringify(first.value)} ${first.message}\n\n` +
        `Failed validating '${first.keyword}' in ${first.schemaPath}`;
  return {
    body: {
      errors: [
        {
          status,
          title,
          detail: detail.concat('\n\n   '),
          request_id: requestId,
          ...(hasCodes && { code: kind?.startsWith('placement.') ? kind : 'placement.undefined_code' }),
          ...(data.reason === 'outOfRange' && { max_version: data.max, min_version: data.min }),
        },
      ],
    },
  };
};

test('PL-5 the format of Placement takes at most 25 lines', () => {
  const lines = readFileSync(new URL('../../test/routing/error-format.test.ts', import.meta.url), 'utf8').split('\n');
  const first = lines.findIndex((line) => line.startsWith('const placement'));
  assert.ok(lines.indexOf('};', first) - first + 1 <= 25);
});

const provider = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', maxLength: 5 }, generation: { type: 'integer' } },
  additionalProperties: false,
} as const;

interface Errors {
  readonly errors: readonly [Readonly<Record<string, unknown>>];
}

testBoth('PL-5 PL-6 one function renders all errors of an API as Placement does', async (t, made) => {
  const options: RouterOptions = {
    faultStyle: placement,
    log: keepingLogger(),
    versions: { serviceType: 'placement', min: '1.0', max: '1.39', like: 'microversion-parse' },
  };
  const router = new made(options)
    .post('/resource_providers', { body: provider, versions: ['1.20'] }, ({ body }) => body)
    .put('/resource_providers/{uuid}', { body: provider }, () => {
      throw new Fault(409, { message: 'generation conflict', kind: 'placement.concurrent_update' });
    })
    .get('/broken', () => {
      throw new Error('a secret');
    });
  const send = await serveRouter(t, router);
  const asked = async (method: string, path: string, version: string | undefined, body?: string) => {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    if (version !== undefined) headers['openstack-api-version'] = `placement ${version}`;
    const answer = await send(method, path, { headers, body });
    const [error] = (answer.json as Errors).errors;
    return { status: answer.status, error };
  };
  const invalid = await asked('POST', '/resource_providers', '1.39', '{"name": "too long"}');
  assert.deepEqual(
    [invalid.status, invalid.error.title, invalid.error.code],
    [400, 'Bad Request', 'placement.undefined_code'],
  );
  assert.match(
    String(invalid.error.detail),
    /^JSON does not validate: "too long" must NOT have more than 5 characters/,
  );
  assert.match(String(invalid.error.detail), /Failed validating 'maxLength' in #\/properties\/name\/maxLength/);
  const conflict = await asked('PUT', '/resource_providers/1', '1.23', '{"name": "a"}');
  assert.deepEqual([conflict.status, conflict.error.code], [409, 'placement.concurrent_update']);
  assert.equal('code' in (await asked('PUT', '/resource_providers/1', '1.22', '{"name": "a"}')).error, false);
  const range = await asked('GET', '/broken', '1.99');
  assert.deepEqual(
    [range.status, range.error.min_version, range.error.max_version, range.error.detail],
    [406, '1.0', '1.39', 'Invalid microversion: Unacceptable version header: 1.99\n\n   '],
  );
  const malformed = await asked('GET', '/broken', 'x');
  assert.deepEqual(
    [malformed.status, malformed.error.detail],
    [400, 'Invalid microversion: invalid version string: x\n\n   '],
  );
  assert.equal((await asked('POST', '/resource_providers', '1.19', '{"name": "a"}')).status, 404);
  assert.equal((await asked('GET', '/nothing', undefined)).status, 404);
  assert.equal((await asked('PATCH', '/broken', undefined)).status, 405);
  const { status, error } = await asked('GET', '/broken', undefined);
  assert.deepEqual(
    [status, error.title, String(error.detail).includes('secret')],
    [500, 'Internal Server Error', false],
  );
  const type = await send('PUT', '/resource_providers/1', { headers: { 'content-type': 'text/csv' }, body: 'a' });
  assert.deepEqual([type.status, (type.json as Errors).errors[0].title], [415, 'Unsupported Media Type']);
});

testBoth(
  'PL-5 an issue has the value, the rule with its facts, and its location; secrets are masked',
  async (t, made) => {
    const faults: Fault[] = [];
    const keep: FaultRenderer = (fault) => {
      faults.push(fault);
      return { body: {} };
    };
    const secret = {
      type: 'object',
      minProperties: 4,
      properties: { pin: { type: 'string', writeOnly: true } },
    } as const;
    const body = {
      type: 'object',
      required: ['name'],
      properties: { size: { type: 'integer', maximum: 5 }, password: { type: 'string', minLength: 9 }, card: secret },
      additionalProperties: false,
    } as const;
    const router = new made({ faultStyle: keep, log: keepingLogger() })
      .post('/', { body }, () => 1)
      .post('/zod', { body: z.object({ size: z.number().max(5), token: z.string().min(9) }) }, () => 1)
      .get('/query', { query: { type: 'object', properties: { n: { type: 'integer' } } } }, () => 1);
    const send = await serveRouter(t, router);
    const card = { pin: '1234', cvc: '1', password: 'x' };
    await send('POST', '/', { body: JSON.stringify({ size: 6, password: 'short', card, more: { a: 1 } }) });
    const [{ kind, issues }] = faults as [Fault];
    assert.equal(kind, 'input');
    assert.deepEqual(
      issues.map(({ path, value, keyword, params, schemaPath }) => ({ path, value, keyword, params, schemaPath })),
      [
        {
          path: ['name'],
          value: undefined,
          keyword: 'required',
          params: { missingProperty: 'name' },
          schemaPath: '#/required',
        },
        {
          path: ['more'],
          value: { a: 1 },
          keyword: 'additionalProperties',
          params: { additionalProperty: 'more' },
          schemaPath: '#/additionalProperties',
        },
        {
          path: ['size'],
          value: 6,
          keyword: 'maximum',
          params: { comparison: '<=', limit: 5 },
          schemaPath: '#/properties/size/maximum',
        },
        {
          path: ['password'],
          value: '****',
          keyword: 'minLength',
          params: { limit: 9 },
          schemaPath: '#/properties/password/minLength',
        },
        {
          path: ['card'],
          value: { pin: '****', cvc: '1', password: '****' },
          keyword: 'minProperties',
          params: { limit: 4 },
          schemaPath: '#/properties/card/minProperties',
        },
      ],
    );
    await send('POST', '/zod', { body: '{"size": 6, "token": "short"}' });
    assert.deepEqual(
      faults[1]!.issues.map(({ value, keyword, params }) => [value, keyword, params?.maximum ?? params?.minimum]),
      [
        [6, 'too_big', 5],
        ['****', 'too_small', undefined],
      ],
    );
    await send('GET', '/query?n=x');
    assert.deepEqual(
      faults[2]!.issues.map(({ where, value }) => [where, value]),
      [['query', 'x']],
    );
  },
);

testBoth('PL-5 faults of the router have a kind and facts', async (t, made) => {
  const seen: unknown[] = [];
  const keep: FaultRenderer = ({ kind, data }, req) => {
    seen.push([requestPath(req), kind, data]);
    return { body: {} };
  };
  const versions = { serviceType: 'x', min: '1.0', max: '1.2' };
  const router = new made({ faultStyle: keep, versions })
    .post('/a', { body: 'text' }, () => 1)
    .post('/json', { versions: ['1.1'] }, () => 1);
  const send = await serveRouter(t, router);
  await send('GET', '/none');
  await send('GET', '/a');
  await send('POST', '/a', { headers: { 'content-type': 'image/png' }, body: 'x' });
  await send('POST', '/json');
  await send('POST', '/json', { headers: { 'openstack-api-version': 'x 1.1' }, body: '{' });
  assert.deepEqual(seen, [
    ['/none', 'route', {}],
    ['/a', 'method', { allowed: ['OPTIONS', 'POST'] }],
    ['/a', 'media-type', { taken: ['text/*'], received: 'image/png' }],
    ['/json', 'version', { reason: 'missing', asked: '1.0', min: '1.0', max: '1.2' }],
    ['/json', 'body', {}],
  ]);
});

testBoth('PL-6 header, statuses and words of versions are options', async (t, made) => {
  const versions = {
    serviceType: 'books',
    min: '1.0',
    max: '1.2',
    header: 'Books-Version',
    missing: { status: 405 },
    outOfRange: { status: 400, message: ({ asked, min, max }: RefusedVersion) => `${asked}: ${min} to ${max}` },
    malformed: { message: () => 'no version' },
  };
  const router = new made({ versions }).get('/a', { versions: ['1.1'] }, ({ apiVersion }) => apiVersion.text);
  const send = await serveRouter(t, router);
  const asked = (version: string) => send('GET', '/a', { headers: { 'books-version': `books ${version}` } });
  const good = await asked('1.1');
  assert.deepEqual(
    [good.json, good.headers['books-version'], good.headers.vary],
    ['1.1', 'books 1.1', 'Books-Version'],
  );
  assert.equal((await asked('1.0')).status, 405);
  const range = await asked('1.3');
  assert.deepEqual([range.status, range.text.includes('1.3: 1.0 to 1.2')], [400, true]);
  const malformed = await asked('01.1');
  assert.deepEqual([malformed.status, malformed.text.includes('no version')], [400, true]);
  const wrong = (more: object) => () => new made({ versions: { ...versions, ...more } as never }).build();
  await assert.rejects(wrong({ like: 'novva' }), /the like of a Router's versions is the text "novva"/);
  await assert.rejects(wrong({ missing: { staus: 404 } }), /missing of a Router's versions has no option "staus"/);
  await assert.rejects(wrong({ missing: { status: 500 } }), /is the number 500, not a status from 400 to 499/);
});
