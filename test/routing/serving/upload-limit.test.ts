/** Tests the body limit of an action when parsers and hooks of plugins read the body. */
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import type { LeafPlugin } from 'portico/app';
import { action, Router, type RouterOptions } from 'portico/routing';
import { keepingLogger, serveRouter, testBoth } from '../served-router.js';

const MIB = 1024 * 1024;

/** As plugins for uploads do: the parser passes the stream on, and the action reads it. */
const streaming: LeafPlugin = (fastify, _options, done) => {
  fastify.addContentTypeParser('multipart/form-data', (_request, payload, parsed) => parsed(null, payload));
  done();
};
const buffering: LeafPlugin = (fastify, _options, done) => {
  fastify.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (_request, body, parsed) =>
    parsed(null, body),
  );
  done();
};
/** Reads the raw request, bypassing Fastify. */
const raw: LeafPlugin = (fastify, _options, done) => {
  fastify.addContentTypeParser('multipart/form-data', (request, _payload, parsed) => parsed(null, request.raw));
  done();
};
/** Replaces the stream in front of the parser. */
const hooked: LeafPlugin = (fastify, _options, done) => {
  fastify.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(new PassThrough()));
  fastify.addContentTypeParser('multipart/form-data', (_request, payload, parsed) => parsed(null, payload));
  done();
};
/** Replaces the parser of JSON. */
const ownJson: LeafPlugin = (fastify, _options, done) => {
  fastify.removeContentTypeParser('application/json');
  fastify.addContentTypeParser('application/json', (_request, payload, parsed) => parsed(null, payload));
  done();
};

/** Serves upload actions, and returns the port and the counts of bytes read and bodies completed. */
async function serveUploads(t: Parameters<typeof serveRouter>[0], plugin: LeafPlugin, options: RouterOptions = {}) {
  const seen = { bytes: 0, ended: 0 };
  const upload = async ({ body }: { body: unknown }): Promise<object> => {
    if (Buffer.isBuffer(body)) seen.bytes += body.length;
    else for await (const chunk of body as Readable) seen.bytes += (chunk as Buffer).length;
    seen.ended += 1;
    return { bytes: seen.bytes };
  };
  const controller = { own: action({ bodyLimit: 10 * MIB }, upload), usual: action({}, upload) };
  const router = new Router({ plugins: [plugin], log: keepingLogger(), ...options })
    .connect('/own', { controller, action: 'own', conditions: { method: ['POST'] } })
    .connect('/route', { controller, action: 'usual', bodyLimit: MIB, conditions: { method: ['POST'] } })
    .connect('/usual', { controller, action: 'usual', conditions: { method: ['POST'] } });
  const send = await serveRouter(t, router);
  return { port: send.port, seen };
}

/** Sends `size` bytes, with Content-Length or in chunks, and returns the status. */
async function post(port: number, path: string, size: number, declared: boolean, type: string): Promise<number> {
  const headers = { 'content-type': type, ...(declared ? { 'content-length': size } : {}) };
  const sent = httpRequest({ port, host: '127.0.0.1', method: 'POST', path, headers, agent: false });
  const answered = new Promise<IncomingMessage>((resolve) => sent.once('response', resolve));
  // After a refusal the server closes the connection while the body is still being sent.
  sent.on('error', () => undefined);
  const piece = Buffer.alloc(64 * 1024);
  const pieces = Array.from({ length: Math.ceil(size / piece.length) }, (_, at) =>
    piece.subarray(0, Math.min(piece.length, size - at * piece.length)),
  );
  Readable.from(pieces).pipe(sent);
  const answer = await answered;
  answer.resume();
  return answer.statusCode!;
}

const PLUGINS = { streaming, buffering, raw, hooked, ownJson };

for (const [name, plugin] of Object.entries(PLUGINS)) {
  const type = name === 'ownJson' ? 'application/json' : 'multipart/form-data; boundary=x';
  for (const declared of [true, false]) {
    const how = `${name}, ${declared ? 'declared' : 'in chunks'}`;
    test(`no body over its limit comes through a plugin whole: ${how}`, async (t) => {
      const { port, seen } = await serveUploads(t, plugin);
      const limits = { '/own': 10 * MIB, '/route': MIB, '/usual': 114_688 };
      for (const [path, limit] of Object.entries(limits)) {
        assert.equal(await post(port, path, limit, declared, type), 200, path);
        assert.deepEqual(seen, { bytes: limit, ended: 1 });
        Object.assign(seen, { bytes: 0, ended: 0 });
        assert.equal(await post(port, path, limit + 20_000, declared, type), 413, path);
        assert.ok(seen.bytes <= limit, `${seen.bytes} of ${limit}`);
        assert.equal(seen.ended, 0);
        Object.assign(seen, { bytes: 0, ended: 0 });
      }
    });
  }
}

testBoth(
  'the signal of an action whose body is over the limit is aborted, and the log says nothing of it',
  async (t, Router) => {
    const log = keepingLogger();
    const told = new Promise<{ reason: unknown; failure: unknown }>((resolve) => {
      const router = new Router({ plugins: [streaming], log }).connect('/', {
        handler: async ({ body, signal }) => {
          try {
            for await (const _chunk of body as Readable);
          } catch (failure) {
            resolve({ reason: signal.reason, failure });
            throw failure;
          }
        },
      });
      void serveRouter(t, router).then(async ({ port }) => {
        assert.equal(await post(port, '/', 130_000, false, 'multipart/form-data; boundary=x'), 413);
      });
    });
    const { reason, failure } = await told;
    assert.equal((reason as { status?: number }).status, 413);
    assert.ok(failure instanceof Error);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(log.lines, []);
  },
);
