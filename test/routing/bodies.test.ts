import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ActionRequest, JsonSchema, Router } from 'portico/routing';
import { action } from 'portico/routing';
import { openApiDocument } from '#internal/routing';
import { serveRouter, testBoth as test } from './served-router.js';

const title = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } } as const;

async function digest(body: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const typed = (type: string): { 'content-type': string } => ({ 'content-type': type });

test('S3-2 S3-3 a route with a stream gets the bytes of any type and coding, and of none', async (t, made) => {
  const router = new made().put('/files/{name}', { body: 'stream', status: 201 }, ({ body }) => digest(body));
  const send = await serveRouter(t, router);
  const bytes = Buffer.alloc(300_000, 7);
  const wanted = createHash('sha256').update(bytes).digest('hex');
  for (const headers of [
    {},
    typed('image/png'),
    typed('application/json'),
    typed('application/x-www-form-urlencoded'),
    typed('multipart/form-data; boundary=x'),
    // S3-3: a type that is none.
    typed(''),
    typed('no type at all'),
    // S3-2: as S3 clients send objects.
    { ...typed('text/css'), 'content-encoding': 'gzip' },
    { 'content-encoding': 'aws-chunked' },
  ]) {
    const answer = await send('PUT', '/files/a', { headers, body: bytes });
    assert.deepEqual([answer.status, answer.json], [201, wanted], JSON.stringify(headers));
  }
  const empty = await send('PUT', '/files/a');
  assert.equal(empty.json, createHash('sha256').update('').digest('hex'));
});

test('S3-2 S3-3 a route with bytes gets them with any type and coding', async (t, made) => {
  const router = new made().post('/bytes', { body: 'bytes' }, ({ body, headers }) => [
    body.toString(),
    headers['content-encoding'],
    headers['content-type'],
  ]);
  const send = await serveRouter(t, router);
  for (const [type, coding] of [
    ['image/png', 'gzip'],
    ['', 'br'],
    ['no type', 'aws-chunked'],
  ] as const) {
    const answer = await send('POST', '/bytes', { headers: { ...typed(type), 'content-encoding': coding }, body: 'x' });
    assert.deepEqual([answer.status, answer.json], [200, ['x', coding, type]]);
  }
});

test('a stream is limited by the route alone, declared or in chunks', async (t, made) => {
  const router = new made().put('/small', { body: 'stream', bodyLimit: 1000 }, ({ body }) => digest(body));
  const send = await serveRouter(t, router);
  assert.equal((await send('PUT', '/small', { body: Buffer.alloc(1000) })).status, 200);
  assert.equal((await send('PUT', '/small', { body: Buffer.alloc(1001) })).status, 413);
  const chunked = { headers: { 'transfer-encoding': 'chunked' }, body: Buffer.alloc(70_000) };
  const response = await fetch(`http://127.0.0.1:${send.port}/small`, {
    method: 'PUT',
    duplex: 'half',
    body: new Blob([chunked.body]).stream(),
  } as RequestInit);
  assert.equal(response.status, 413);
});

test('bytes, texts, forms and JSON without a schema are values', async (t, made) => {
  const router = new made({ schemas: 'required' })
    .post('/bytes', { body: 'bytes' }, ({ body }) => [Buffer.isBuffer(body), body.length])
    .post('/text', { body: 'text' }, ({ body }) => body)
    .post('/form', { body: 'form' }, ({ body }) => body)
    .post('/json', { body: 'json' }, ({ body }) => ({ got: body }));
  const send = await serveRouter(t, router);
  const bytes = await send('POST', '/bytes', { headers: typed('image/png'), body: Buffer.from([1, 2, 255]) });
  assert.deepEqual(bytes.json, [true, 3]);
  const text = await send('POST', '/text', { headers: typed('text/csv; charset=utf-8'), body: 'é,1' });
  assert.equal(text.json, 'é,1');
  const form = typed('application/x-www-form-urlencoded');
  assert.deepEqual((await send('POST', '/form', { headers: form, body: 'a=1&b=x+y&a=%C3%A9' })).json, {
    a: ['1', 'é'],
    b: 'x y',
  });
  assert.deepEqual((await send('POST', '/json', { headers: typed('application/json'), body: '[1]' })).json, {
    got: [1],
  });
  // Without a body each is the empty value of its kind.
  const empty = await Promise.all(['/bytes', '/text', '/form', '/json'].map((path) => send('POST', path)));
  const parsed = empty.map(({ json }) => json);
  assert.deepEqual(parsed, [[true, 0], '', {}, {}]);
  for (const [path, body] of [
    ['/text', Buffer.from([0xff])],
    ['/form', Buffer.from('a=%ff')],
    ['/form', Buffer.from('a=%zz')],
    ['/json', Buffer.from('{')],
  ] as const) {
    const type = path === '/text' ? 'text/plain' : path === '/form' ? form['content-type'] : 'application/json';
    assert.equal((await send('POST', path, { headers: typed(type), body })).status, 400, path);
  }
  assert.equal((await send('POST', '/bytes', { body: Buffer.alloc(114_689) })).status, 413);
});

test('a body that a route does not take gets 415, which names what it takes', async (t, made) => {
  const router = new made()
    .post(
      '/many',
      { body: { 'application/json': title, 'text/csv': 'text', 'image/*': 'stream' } },
      ({ body, headers }) => {
        if (typeof body === 'string') return { csv: body };
        return 'title' in body ? { title: body.title } : { image: headers['content-type'] };
      },
    )
    .post('/plain', { body: title }, ({ body }) => body.title)
    .put('/own', { body: { 'application/octet-stream': 'stream' } }, ({ body }) => digest(body));
  const send = await serveRouter(t, router);
  const many = (type: string, body: string) => send('POST', '/many', { headers: typed(type), body });
  assert.deepEqual((await many('application/json', '{"title":"a"}')).json, { title: 'a' });
  assert.deepEqual((await many('application/vnd.x+json', '{"title":"a"}')).json, { title: 'a' });
  assert.equal((await many('application/json', '{}')).status, 400);
  assert.deepEqual((await many('Text/CSV; charset=utf-8', 'a,b')).json, { csv: 'a,b' });
  assert.deepEqual((await many('image/svg+xml', '<svg/>')).json, { image: 'image/svg+xml' });
  const refused = await many('application/xml', '<a/>');
  assert.equal(refused.status, 415);
  assert.equal(refused.headers.accept, 'application/json, text/csv, image/*');
  assert.match(refused.text, /The body must be application\/json or text\/csv or image\/\*, not application\/xml\./);
  const own = await send('PUT', '/own', { headers: typed('application/json'), body: '{"a": 1}' });
  assert.deepEqual([own.status, own.headers.accept], [415, 'application/octet-stream']);
  assert.equal((await send('POST', '/plain', { headers: typed('image/png'), body: 'x' })).status, 415);
  // A schema requires a body, whatever its type.
  assert.match((await send('POST', '/many')).text, /The request needs a body/);
  const compressed = (type: string) => ({ headers: { ...typed(type), 'content-encoding': 'gzip' }, body: 'x' });
  assert.equal((await send('POST', '/many', compressed('image/png'))).status, 200);
  for (const type of ['application/json', 'text/csv']) {
    const encoded = await send('POST', '/many', compressed(type));
    assert.deepEqual([encoded.status, encoded.headers['accept-encoding']], [415, 'identity'], type);
  }
  for (const type of ['', 'csv', 'image/ png']) assert.equal((await many(type, 'x')).status, 415, type);
});

test('WD-2 a route takes its body with every method', async (t, made) => {
  const said = ({ body }: ActionRequest<object, unknown>) => ({ body });
  const router = new made();
  for (const method of ['QUERY', 'REPORT', 'PROPFIND', 'SEARCH', 'LOCK', 'GET', 'OPTIONS'] as const) {
    router.connect('/json', { handler: action({ body: title }, said as never), conditions: { method: [method] } });
    router.connect('/text', { handler: action({ body: 'text' }, said), conditions: { method: [method] } });
    router.connect('/none', { handler: said, conditions: { method: [method] } });
  }
  const send = await serveRouter(t, router);
  for (const method of process.version < 'v22'
    ? ['REPORT', 'PROPFIND']
    : ['QUERY', 'REPORT', 'PROPFIND', 'SEARCH', 'LOCK']) {
    const body = '{"title":"a"}';
    const json = typed('application/json');
    assert.deepEqual((await send(method, '/json', { headers: json, body })).json, { body: { title: 'a' } }, method);
    assert.equal((await send(method, '/json', { headers: json, body: '{}' })).status, 400, method);
    assert.equal((await send(method, '/json', { headers: typed('text/xml'), body: '<a/>' })).status, 415, method);
    assert.match((await send(method, '/json')).text, /The request needs a body/, method);
    const text = await send(method, '/text', { headers: typed('text/xml'), body: '<a/>' });
    assert.deepEqual(text.json, { body: '<a/>' }, method);
    // One that says nothing is left alone.
    assert.deepEqual((await send(method, '/none', { headers: typed('text/xml'), body: '<a/>' })).json, {}, method);
  }
  assert.deepEqual((await send('GET', '/text', { headers: typed('text/xml'), body: 'x' })).json, { body: 'x' });
});

test('the schema of a form reads numbers and lists, as that of a query does', async (t, made) => {
  const form = {
    type: 'object',
    required: ['n'],
    properties: { n: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
  } as const;
  const router = new made().post('/', { body: { 'application/x-www-form-urlencoded': form } }, ({ body }) => body);
  const send = await serveRouter(t, router);
  const post = (body: string) => send('POST', '/', { headers: typed('application/x-www-form-urlencoded'), body });
  assert.deepEqual((await post('n=5&tags=a')).json, { n: 5, tags: ['a'] });
  const refused = await post('n=x');
  assert.equal(refused.status, 400);
  assert.match(refused.text, /Invalid input for n: must be integer/);
  assert.equal((await post('')).status, 400);
});

test('what cannot be read is refused by build()', async (_t, made) => {
  const refusal = async (body: unknown): Promise<string> => {
    const router = new made();
    router.post('/a', { body } as object, () => null);
    return router.build().then(String, (error: Error) => error.message);
  };
  assert.match(await refusal('strem'), /body is the text "strem", which is no kind of body/);
  assert.match(await refusal('strem'), /Did you mean "stream"\?/);
  assert.match(await refusal({ 'image/png': title }), /a schema for "image\/png", which is not read as a value/);
  assert.match(await refusal({ 'image/png': 'stream', type: 'object' }), /has "type" among its media types/);
});

test('a document names what a route takes', async (_t, made) => {
  const router: Router = new made()
    .put('/a', { body: 'stream' }, () => null)
    .post('/b', { body: { 'application/json': title, 'text/csv': 'text' } }, () => null)
    .post('/c', { body: 'form', request: { description: 'A form.', schema: title } }, () => null);
  const { paths } = openApiDocument(router, { title: 'x' }) as { paths: Record<string, Record<string, object>> };
  const body = (path: string, method: string) => (paths[path]![method] as { requestBody: unknown }).requestBody;
  assert.deepEqual(body('/a', 'put'), { required: false, content: { '*/*': {} } });
  assert.deepEqual(body('/b', 'post'), {
    required: true,
    content: { 'application/json': { schema: title }, 'text/csv': { schema: { type: 'string' } } },
  });
  assert.deepEqual(body('/c', 'post'), {
    description: 'A form.',
    required: true,
    content: { 'application/x-www-form-urlencoded': { schema: title } },
  });
});

test('PL-8 a query with an escape that is malformed, or no UTF-8, gets 400', async (t, made) => {
  const any = { type: 'object' } as const;
  const router = new made().get('/own', ({ query }) => query).get('/schema', { query: any }, ({ query }) => query);
  const send = await serveRouter(t, router);
  for (const path of ['/own', '/schema']) {
    for (const query of ['name=%ff', 'name=%zz', 'name=100%', '%c3=1']) {
      const answer = await send('GET', `${path}?${query}`);
      assert.deepEqual([answer.status, answer.text.includes('percent sign')], [400, true], `${path}?${query}`);
    }
    assert.deepEqual((await send('GET', `${path}?name=%C3%A9+x%25`)).json, { name: 'é x%' });
  }
});

test('PL-1 a query has lists wherever its schema says array, and last values elsewhere', async (t, made) => {
  const list = { type: 'array', items: { type: 'string' } } as const;
  const text = { type: 'string' } as const;
  const schemas: readonly JsonSchema[] = [
    { type: 'object', patternProperties: { '^tag\\d+$': list, '^text': text }, properties: { n: { type: 'integer' } } },
    { type: 'object', properties: { text, n: { type: 'integer' } }, additionalProperties: list },
    { allOf: [{ type: 'object', properties: { tag1: list } }, { properties: { text, n: { type: 'integer' } } }] },
    {
      type: 'object',
      properties: { tag1: { $ref: '#/definitions/tags' }, text, n: { type: 'integer' } },
      definitions: { tags: { allOf: [list] } },
    },
    {
      $ref: '#/$defs/query',
      $defs: { query: { type: 'object', properties: { tag1: list, text, n: { type: 'integer' } } } },
    },
    {
      type: 'object',
      oneOf: [{ required: ['tag1'], properties: { tag1: list, text, n: { type: 'integer' } } }, { required: ['x'] }],
    },
  ];
  const router = new made();
  for (const [at, query] of schemas.entries()) router.get(`/${at}`, { query }, ({ query: got }) => got);
  const send = await serveRouter(t, router);
  for (const [at, schema] of schemas.entries()) {
    const told = JSON.stringify(schema);
    assert.deepEqual((await send('GET', `/${at}?tag1=a`)).json, { tag1: ['a'] }, told);
    const both = await send('GET', `/${at}?tag1=a&tag1=b&text=a&text=b&n=1&n=2`);
    assert.deepEqual(both.json, { tag1: ['a', 'b'], text: 'b', n: 2 }, told);
  }
});

test('AT-17 numbers of a query are those of JSON', async (t, made) => {
  const query = { type: 'object', properties: { n: { type: 'integer' }, x: { type: 'number' } } } as const;
  const send = await serveRouter(
    t,
    new made().get('/', { query }, ({ query: got }) => got),
  );
  assert.deepEqual((await send('GET', '/?n=-5&x=1.5e3')).json, { n: -5, x: 1500 });
  for (const wrong of ['n=1e999', 'x=%20', 'n=0x10', 'x=Infinity', 'x=1_000', 'n=%2B5', 'x=.5', 'n=05']) {
    assert.equal((await send('GET', `/?${wrong}`)).status, 400, wrong);
  }
});
