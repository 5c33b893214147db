/** An application's own logger behind Portico's log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Config, createLogger, type Logger, launch } from 'portico';
import { type App, compose, fastifyApp } from 'portico/app';
import { Loader } from 'portico/loader';
import { requestId, requestLog } from 'portico/middleware';
import { Router } from 'portico/routing';
import { RPCService } from 'portico/rpc';
import { Server } from 'portico/server';
import { buildFilter, request } from 'portico/testing';

/** A pino logger and the lines that it has written. */
function pinoWith(options: object = {}): { logger: pino.Logger; lines: () => Record<string, unknown>[] } {
  const written: string[] = [];
  const logger = pino({ ...options, base: null, timestamp: false }, { write: (line: string) => written.push(line) });
  return { logger, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a pino logger writes the lines of Portico’s log, in its own format', () => {
  const { logger, lines } = pinoWith();
  const log = createLogger({ logger, base: { app: 'shop' } });
  log.info({ seats: 4 }, 'open');
  log.child({ service: 'books' }).warn('late');
  log.notice('reloaded');
  log.debug('not written');
  assert.deepEqual(lines(), [
    { level: 30, app: 'shop', seats: 4, msg: 'open' },
    { level: 40, app: 'shop', service: 'books', msg: 'late' },
    { level: 30, app: 'shop', msg: 'reloaded' },
  ]);
});

test('CF-91 the level is that of the logger until it is set, and children follow it', () => {
  const { logger, lines } = pinoWith({ level: 'warn' });
  const log = createLogger({ logger });
  const child = log.child({ part: 1 });
  assert.equal(log.level, 'warn');
  child.info('not written');
  log.level = 'debug';
  child.debug('written');
  assert.deepEqual(lines(), [{ level: 20, part: 1, msg: 'written' }]);
  // Portico's log has no such levels: the next one above.
  assert.equal(createLogger({ logger: pino({ level: 'fatal' }) }).level, 'silent');
  assert.equal(createLogger({ logger: pino({ level: 'audit', customLevels: { audit: 45 } }) }).level, 'error');
  assert.equal(createLogger({ logger, level: 'error' }).level, 'error');
});

test('an error reaches the logger as an error, without the passwords of its URIs', () => {
  class Lost extends Error {}
  const seen: { err?: Lost }[] = [];
  const own = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields: object) => void seen.push(fields),
    child: () => own,
  };
  const cause = new Error('no amqp://rabbit:secret@broker/');
  const plain = new Lost('plain');
  createLogger({ logger: own }).error({ err: new Lost('lost', { cause }) }, 'it is lost');
  createLogger({ logger: own }).error({ err: plain }, 'it is lost');
  const [{ err }, second] = seen as [{ err: Lost }, { err: Lost }];
  assert.ok(err instanceof Lost);
  assert.equal(err.message, 'lost');
  assert.equal((err.cause as Error).message, 'no amqp://rabbit:****@broker/');
  assert.doesNotMatch((err.cause as Error).stack ?? '', /secret/);
  assert.equal(second.err, plain);
});

test('passwords in errors within an error are masked too', () => {
  const { logger, lines } = pinoWith();
  const log = createLogger({ logger });
  const inner = (): Error => new Error('no amqp://rabbit:secret@broker/');
  const circular = inner();
  circular.cause = circular;
  log.error({ err: new AggregateError([inner(), 'text'], 'all failed') }, 'all');
  log.error({ err: Object.assign(new Error('outer'), { original: inner(), list: [1] }) }, 'field');
  log.error({ err: circular }, 'circular');
  log.error({ err: Object.assign(new Error(), { message: 7, stack: 7, cause: inner() }) }, 'no texts');
  assert.doesNotMatch(JSON.stringify(lines()), /secret/);
  const [all, field] = lines() as {
    err: { aggregateErrors?: { message: string }[]; original?: { message: string } };
  }[];
  assert.equal(all?.err.aggregateErrors?.[0]?.message, 'no amqp://rabbit:****@broker/');
  assert.equal(field?.err.original?.message, 'no amqp://rabbit:****@broker/');
});

test('lines of a request have its id, and request_log writes through the logger', async () => {
  const { logger, lines } = pinoWith();
  const log = createLogger({ logger });
  const app: App = (_req, res) => {
    log.info('within');
    res.end('ok');
  };
  const filters = [await buildFilter(requestId, { log }), await buildFilter(requestLog, { log })];
  await request(
    compose(
      filters.map(({ made }) => made),
      app,
    ),
    'GET',
    '/books',
    { headers: { 'x-request-id': 'req-7' } },
  );
  const [within, line] = lines();
  assert.match(String(within?.request_id), /^req-/);
  assert.equal(line?.msg, 'request');
  assert.equal(line?.target, '/books');
  assert.equal(line?.request_id, within?.request_id);
  assert.equal(line?.status, 200);
});

test('a 500 of a Router is logged with its error', async () => {
  const { logger, lines } = pinoWith();
  const router = new Router({ log: createLogger({ logger }) });
  router.get('/', () => {
    throw new Error('broken');
  });
  const app = await router.build();
  assert.equal((await request(app, 'GET', '/')).status, 500);
  const [line] = lines();
  assert.equal((line!.err as { message: string }).message, 'broken');
  await app.close();
});

test('a logger without the level trace is refused at once, not at its first line', () => {
  const customLevels = { debug: 20, info: 30, warn: 40, error: 50 };
  const { logger } = pinoWith({ customLevels, useOnlyCustomLevels: true });
  assert.throws(() => createLogger({ logger }), /unknown level trace/);
});

test('a logger without the methods, or beside a file, is refused', () => {
  const refused = { code: 'PORTICO_INVALID_OPTION' };
  assert.throws(() => createLogger({ logger: { info: () => undefined } as never }), refused);
  assert.throws(() => createLogger({ logger: pino(), file: '/nowhere/log' }), {
    ...refused,
    message: /both logger and file/,
  });
});

test('a pino logger is passed as it is wherever there is an option log', async () => {
  const { logger: log, lines } = pinoWith();
  const app: App = (_req, res) => void res.end();
  const router = new Router({ log });
  router.get('/', () => {
    throw new Error('broken');
  });
  const built = await router.build();
  assert.equal((await request(built, 'GET', '/')).status, 500);
  await built.close();
  const config = Config.fromText('', { log });
  const launcher = await launch(new Server('own', app, { log }), { config, log });
  await launcher.stop();
  await (await fastifyApp(async ({ log: own }) => own.info('in a plugin'), { log })).close();
  const said = lines().map(({ msg }) => String(msg));
  for (const part of ['an action failed', 'listening', 'in a plugin'])
    assert.ok(
      said.some((msg) => msg.includes(part)),
      `${part} in ${said.join('; ')}`,
    );
});

test('another value of an option log is refused', async () => {
  const log = { info: () => undefined } as unknown as Logger;
  const hint = 'Write log: createLogger(), log: pino(), or omit it.';
  const config = new Config();
  const app: App = (_req, res) => void res.end();
  await assert.rejects(async () => new Router({ log }), { code: 'PORTICO_ROUTER_OPTION', hint });
  assert.throws(() => new Server('own', app, { log }), { code: 'PORTICO_INVALID_OPTION', hint });
  assert.throws(() => new Loader('none.ini', { log }), { code: 'PORTICO_INVALID_OPTION', hint });
  assert.throws(() => RPCService.create({ topic: 'own', manager: {}, config, log }), {
    code: 'PORTICO_RPC_OPTION',
    hint,
  });
  await assert.rejects(Config.load({ argv: false, log }), { code: 'PORTICO_INVALID_OPTION', hint });
  await assert.rejects(async () => launch(new Server('own', app), { config, log }), {
    code: 'PORTICO_LAUNCHER_OPTION',
    hint,
  });
});
