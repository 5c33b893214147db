import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { beforeHead, environ, Fault, type FaultStyle } from 'portico/app';
import { answerFault, asFault } from '#internal/app';
import { keepingLogger } from '../routing/served-router.js';
import { exchange, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

interface Answer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  text: string;
}

/** Sends one request over a socket to a listener with a separate server. */
async function ask(
  listener: (req: IncomingMessage, res: ServerResponse) => void,
  { method = 'GET', headers = {} }: { method?: string; headers?: OutgoingHttpHeaders } = {},
): Promise<Answer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const req = request({ port, host: '127.0.0.1', method, headers, agent: false }, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () =>
          resolve({ status: res.statusCode, headers: res.headers, text: Buffer.concat(chunks).toString() }),
        );
      });
      req.on('error', reject);
      req.end();
    });
  } finally {
    server.close();
  }
}

const rendering =
  (fault: Fault, style: FaultStyle = 'portico', requestId?: string) =>
  (req: IncomingMessage, res: ServerResponse) => {
    if (requestId !== undefined) environ(req).requestId = requestId;
    answerFault(req, res, fault, { style, onFailure: () => undefined });
  };

test('MW-6 the built-in body is JSON with code, title, message and request id', async () => {
  const fault = new Fault(413, { message: 'The limit is 10 bytes.' });
  const answer = await ask(rendering(fault, 'portico', 'req-1'));
  assert.equal(answer.status, 413);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(answer.text), {
    error: { code: 413, title: 'Content Too Large', message: 'The limit is 10 bytes.', request_id: 'req-1' },
  });
});

const NEGOTIATED: [accept: string | undefined, type: string][] = [
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/problem+json', 'application/problem+json'],
  ['application/json;q=0.5, application/problem+json', 'application/problem+json'],
  ['application/problem+json;q=0.5, application/json', 'application/json'],
  ['text/plain', 'text/plain; charset=utf-8'],
  ['text/html, image/png', 'text/plain; charset=utf-8'],
  ['application/json;q=0', 'text/plain; charset=utf-8'],
  ['text/html,*/*;q=0.8', 'application/json'],
];
for (const [accept, type] of NEGOTIATED) {
  test(`MW-6 a client that accepts ${accept ?? 'nothing in particular'} gets ${type}`, async () => {
    const answer = await ask(rendering(new Fault(404)), { headers: accept === undefined ? {} : { accept } });
    assert.equal(answer.headers['content-type'], type);
  });
}

test('MW-6 a problem document has title, status and detail', async () => {
  const headers = { accept: 'application/problem+json' };
  const answer = await ask(rendering(new Fault(409, { message: 'It exists.' }), 'portico', 'req-2'), { headers });
  assert.deepEqual(JSON.parse(answer.text), {
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    detail: 'It exists.',
    instance: '/',
    request_id: 'req-2',
  });
});

test('MW-6 HEAD gets the headers only', async () => {
  const answer = await ask(rendering(new Fault(404)), { method: 'HEAD' });
  assert.equal(answer.status, 404);
  assert.equal(answer.text, '');
  assert.ok(Number(answer.headers['content-length']) > 0);
});

test('MW-6 an unsafe message stays inside', async () => {
  const fault = new Fault(503, { message: 'db://root:secret@db', safe: false });
  for (const style of ['portico', 'openstack'] as const) {
    const answer = await ask(rendering(fault, style));
    assert.ok(!answer.text.includes('secret'));
    assert.ok(answer.text.includes('Service Unavailable'));
  }
});

const OPENSTACK: [status: number, name: string][] = [
  [400, 'badRequest'],
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'itemNotFound'],
  [405, 'badMethod'],
  [409, 'conflictingRequest'],
  [413, 'overLimit'],
  [415, 'badMediaType'],
  [429, 'overLimit'],
  [501, 'notImplemented'],
  [503, 'serviceUnavailable'],
  [422, 'computeFault'],
  [500, 'computeFault'],
];
for (const [status, name] of OPENSTACK) {
  test(`RT-175 in openstack style ${status} is ${name}`, async () => {
    const answer = await ask(rendering(new Fault(status, { message: 'why' }), 'openstack'));
    assert.equal(answer.status, status);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(answer.text), { [name]: { code: status, message: 'why' } });
  });
}

test('RT-175 an overLimit tells when to come back, as the header does', async () => {
  const fault = new Fault(429, { message: 'slower', headers: { 'Retry-After': 7 } });
  const answer = await ask(rendering(fault, 'openstack'));
  assert.equal(answer.headers['retry-after'], '7');
  assert.deepEqual(JSON.parse(answer.text), { overLimit: { code: 429, message: 'slower', retryAfter: '7' } });
});

test('RT-178 headers of the fault are kept, illegal ones are left out', async () => {
  const headers = { Allow: 'GET, HEAD', 'x-split': 'a\r\nb: c', 'bad name': '1', 'set-cookie': ['a=1', 'b=2'] };
  const answer = await ask(rendering(new Fault(405, { headers })));
  assert.equal(answer.headers.allow, 'GET, HEAD');
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
  assert.equal(answer.headers['x-split'], undefined);
  assert.equal(answer.headers.b, undefined);
});

test('headers of the body that failed are removed, all others stay', async () => {
  const answer = await ask((req, res) => {
    res.setHeader('content-encoding', 'gzip');
    res.setHeader('content-length', 5);
    res.setHeader('etag', '"1"');
    res.setHeader('vary', 'origin');
    res.statusMessage = 'Fine';
    answerFault(req, res, new Fault(500), { onFailure: () => undefined });
  });
  assert.equal(answer.headers['content-encoding'], undefined);
  assert.equal(answer.headers.etag, undefined);
  assert.equal(answer.headers.vary, 'origin, Accept');
  assert.equal(answer.headers['content-length'], String(answer.text.length));
});

test('RV-13 a fault whose form depends on Accept says so, beside other Vary', async () => {
  const vary = async (style: FaultStyle | undefined, fault = new Fault(404), accept = 'text/html') => {
    const listener = (req: IncomingMessage, res: ServerResponse): void => {
      res.setHeader('vary', 'Origin');
      answerFault(req, res, fault, { style, onFailure: () => undefined });
    };
    return (await ask(listener, { headers: { accept } })).headers.vary;
  };
  for (const accept of ['application/json', 'application/problem+json', 'text/html', '*/*'])
    assert.equal(await vary('portico', new Fault(404), accept), 'Origin, Accept');
  assert.equal(await vary('portico', new Fault(410, { headers: { Vary: 'Cookie' } })), 'Cookie, Accept');
  for (const style of ['openstack', 'problem'] as const) assert.equal(await vary(style), 'Origin');
  assert.equal(await vary(() => ({ body: 'x', headers: { vary: 'X-A' } })), 'Origin, X-A');
});

const ANSWER = {
  'cache-control': 'public, max-age=600',
  'cdn-cache-control': 'max-age=600',
  location: '/elsewhere',
  link: '</2>; rel=next',
  'set-cookie': ['a=1', 'b=2'],
  'x-accel-redirect': '/protected',
};
const EVERY_ANSWER = {
  'access-control-allow-origin': '*',
  'x-request-id': 'req-1',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'self'",
  'content-security-policy-report-only': "default-src 'none'",
  vary: 'a, Accept',
};

for (const status of [400, 404, 500, 503]) {
  test(`RT-178 a fault of ${status} ${status < 500 ? 'keeps' : 'drops'} what was said of the response that failed`, async () => {
    const headers = { 'retry-after': '7' };
    const answer = await ask((req, res) => {
      for (const [name, value] of Object.entries({ ...ANSWER, ...EVERY_ANSWER })) res.setHeader(name, value);
      answerFault(req, res, new Fault(status, { headers }), { onFailure: () => undefined });
    });
    const told = (names: object) => Object.keys(names).map((name) => answer.headers[name]);
    assert.deepEqual(told(EVERY_ANSWER), Object.values(EVERY_ANSWER));
    assert.deepEqual(told(ANSWER), status < 500 ? Object.values(ANSWER) : told(ANSWER).map(() => undefined));
    assert.equal(answer.headers['retry-after'], '7');
  });
}

test('a fault keeps no-store, and what is among its own headers', async () => {
  const answer = await ask((req, res) => {
    res.setHeader('cache-control', 'private, no-store');
    res.setHeader('location', '/old');
    answerFault(req, res, new Fault(503, { headers: { Location: '/status', 'set-cookie': 'a=1' } }), {
      onFailure: () => undefined,
    });
  });
  assert.equal(answer.headers['cache-control'], 'private, no-store');
  assert.equal(answer.headers.location, '/status');
  assert.deepEqual(answer.headers['set-cookie'], ['a=1']);
});

test('a fault after the headers destroys the connection: a truncated body must not look complete', async () => {
  const answer = ask((req, res) => {
    res.writeHead(200);
    res.write('half', () => answerFault(req, res, new Fault(500), { onFailure: () => undefined }));
  });
  await assert.rejects(answer, { code: 'ECONNRESET' });
});

for (const status of [200, 399, 600, 404.5, Number.NaN]) {
  test(`a Fault refuses the status ${status}`, () => {
    assert.throws(() => new Fault(status), RangeError);
  });
}

test('a server whose response to a failure fails responds with 500, and goes on', async (t) => {
  const log = keepingLogger();
  log.child = () => log;
  const server = await startedServer(
    t,
    'failing',
    async (req, res) => {
      beforeHead(res, () => res.setHeader('x-name', 'Łódź'));
      if (req.url === '/twice') beforeHead(res, () => res.setHeader('x-name', 'Łódź'));
      throw new Fault(403);
    },
    { port: 0, host: '127.0.0.1', log },
  );
  const { port } = server.addresses[0] as { port: number };
  const base = `http://127.0.0.1:${port}`;
  assert.equal((await fetch(base)).status, 500);
  await assert.rejects(fetch(`${base}/twice`));
  assert.equal((await fetch(base)).status, 500);
  assert.equal(
    log.lines.filter(({ message }) => message === 'the error response to a failed request failed').length,
    3,
  );
});

test('an object with a status that is thrown instead of an error keeps its status, as in Express and Fastify', () => {
  const { status, message } = asFault({ statusCode: 404, message: 'no such book' });
  assert.deepEqual([status, message], [404, 'no such book']);
  assert.equal(asFault({ status: 409, message: { not: 'text' } }).status, 409);
  for (const other of [{ statusCode: 302 }, {}, null, 'text', [404]]) assert.equal(asFault(other).status, 500);
});

test('a fault has its body also after headers without a body that Node has refused', async (t) => {
  const server = await startedServer(t, 'refused', (_req, res) => {
    res.writeHead(204, { 'x-bad': 'two\nlines' });
  });
  const get = (method: string): Promise<string> =>
    exchange(portOf(server), `${method} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  assert.match(await get('GET'), /^HTTP\/1.1 500 .*\r\n\r\n\{"error":.*\}$/s);
  assert.match(await get('HEAD'), /^HTTP\/1.1 500 .*\r\n\r\n$/s);
});

test('AU-3 title and status line have the names of RFC 9110', async (t) => {
  for (const [status, name] of [
    [413, 'Content Too Large'],
    [422, 'Unprocessable Content'],
    [416, 'Range Not Satisfiable'],
  ] as const) {
    const server = await startedServer(t, 'names', () => {
      throw new Fault(status);
    });
    const received = await exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} ${name}\r\n`));
    assert.match(received, new RegExp(`"title":"${name}"`));
  }
});
