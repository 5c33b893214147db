/** Tests actions that respond with `reply.send` and return nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type ActionRequest, Reply, Router, type RouterOptions } from 'portico/routing';
import { keepingLogger, serveRouter } from '../served-router.js';

const noHooks = async (): Promise<void> => {};
const asyncHooks: NonNullable<RouterOptions['plugins']>[number] = async (fastify) => {
  fastify.addHook('preSerialization', async (_request, _reply, payload) => payload);
  fastify.addHook('onSend', async (_request, _reply, payload) => payload);
};

const PLUGINS = [
  ['with a plugin', [noHooks]],
  ['behind asynchronous hooks', [asyncHooks]],
] as const;

const BODIES: Readonly<Record<string, () => unknown>> = {
  text: () => 'sent',
  object: () => ({ a: 1 }),
  bytes: () => Buffer.from('sent'),
  stream: () => Readable.from(['se', 'nt'], { objectMode: false }),
  web: () => new Response('sent').body,
  response: () => new Response('sent', { status: 202 }),
};

async function sending(
  t: TestContext,
  plugins: RouterOptions['plugins'],
  routes: Readonly<Record<string, (request: ActionRequest) => unknown>>,
) {
  const log = keepingLogger();
  const router = new Router({ log, plugins });
  for (const [name, action] of Object.entries(routes)) router.get(`/${name}`, action as () => unknown);
  return { send: await serveRouter(t, router), log };
}

for (const [where, plugins] of PLUGINS) {
  test(`a reply that is sent without a return keeps its body, ${where}`, async (t) => {
    const routes = Object.entries(BODIES).flatMap(([name, body]) => {
      const at = (request: ActionRequest): void => void request.reply.code(202).send(body());
      return [[name, at] as const, [`async-${name}`, async (request: ActionRequest) => at(request)] as const];
    });
    const { send, log } = await sending(t, plugins, Object.fromEntries(routes));
    for (const [name] of routes) {
      const { status, text } = await send('GET', `/${name}`);
      assert.deepEqual([status, text], [202, name.endsWith('object') ? '{"a":1}' : 'sent'], name);
    }
    assert.deepEqual(log.lines, []);
  });

  test(`what an action returns behind a reply that it has sent is released, ${where}`, async (t) => {
    const returned = new PassThrough();
    const { send, log } = await sending(t, plugins, {
      both: ({ reply }) => {
        void reply.send(Readable.from(['sent'], { objectMode: false }));
        return new Reply(returned);
      },
    });
    assert.equal((await send('GET', '/both')).text, 'sent');
    assert.deepEqual([returned.destroyed, log.lines], [true, []]);
  });

  test(`an action that throws after it has sent its reply keeps that response, and its error is reported once, ${where}`, async (t) => {
    const bodies = Object.entries(BODIES).slice(0, 3);
    const { send, log } = await sending(
      t,
      plugins,
      Object.fromEntries(
        bodies.map(([name, body]) => [
          name,
          ({ reply }) => {
            void reply.code(202).send(body());
            throw new Error('afterwards');
          },
        ]),
      ),
    );
    for (const [name] of bodies) assert.equal((await send('GET', `/${name}`)).status, 202, name);
    const told = log.lines.map(({ message, fields: { err } }) => [message, (err as Error).message]);
    assert.deepEqual(
      told,
      bodies.map(() => ['an action failed', 'afterwards']),
    );
  });

  test(`an action that fails while it writes the stream that it has sent is not waited for, ${where}`, async (t) => {
    const body = new PassThrough();
    const { send, log } = await sending(t, plugins, {
      begun: ({ reply }) => {
        void reply.send(body);
        throw new Error('no more');
      },
    });
    const closed = once(body, 'close');
    assert.equal((await send('GET', '/begun')).status, 500);
    await closed;
    const told = log.lines.flatMap(({ fields: { err } }) => (err === undefined ? [] : [(err as Error).message]));
    assert.deepEqual(told, ['no more']);
  });

  test(`a reply that cannot be sent gets 500, ${where}`, async (t) => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const { send } = await sending(t, plugins, {
      circle: ({ reply }) => void reply.send(circle),
      number: ({ reply }) => void reply.type('text/plain').send(5),
      header: ({ reply }) => void reply.header('x-a', 'a\nb').send('sent'),
      used: async ({ reply }) => {
        const response = new Response('sent');
        await response.text();
        void reply.send(response);
      },
    });
    for (const name of ['circle', 'number', 'header', 'used']) {
      assert.equal((await send('GET', `/${name}`)).status, 500, name);
    }
  });
}
