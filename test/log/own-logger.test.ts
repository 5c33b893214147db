/** An application's own logger behind Portico's log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Config, createLogger, Loader, type Logger, launch, Server } from 'portico';
import { type App, compose, fastifyApp } from 'portico/app';
import { requestId, requestLog } from 'portico/middleware';
import { Router } from 'portico/routing';
import { RPCService } from 'portico/rpc';
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
  log.info('open', { seats: 4 });
  log.info({ seats: 5 }, 'pino’s order of %s', 'arguments');
  log.child({ service: 'books' }).warn('late');
  log.notice('reloaded');
  log.debug('not written');
  assert.deepEqual(lines(), [
    { level: 30, app: 'shop', seats: 4, msg: 'open' },
    { level: 30, app: 'shop', seats: 5, msg: 'pino’s order of arguments' },
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
  createLogger({ logger: own }).error('it is lost', { err: new Lost('lost', { cause }) });
  createLogger({ logger: own }).error('it is lost', { err: plain });
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
  log.error('all', { err: new AggregateError([inner(), 'text'], 'all failed') });
  log.error('field', { err: Object.assign(new Error('outer'), { original: inner(), list: [1] }) });
  log.error('circular', { err: circular });
  log.error('no texts', { err: Object.assign(new Error(), { message: 7, stack: 7, cause: inner() }) });
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
    {
      headers: { 'x-request-id': 'req-7' },
    },
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

test('a pino logger in place of a Logger is refused with what to write', async () => {
  const log = pino() as unknown as Logger;
  const config = new Config();
  const hint = 'Write log: createLogger({ logger }) with this logger.';
  const app: App = (_req, res) => void res.end();
  assert.throws(() => new Router({ log }), { code: 'PORTICO_ROUTER_OPTION', hint });
  assert.throws(() => new Server('own', app, { log }), { code: 'PORTICO_INVALID_OPTION', hint });
  assert.throws(() => new Loader('none.ini', { log }), { code: 'PORTICO_INVALID_OPTION', hint });
  assert.throws(() => RPCService.create({ topic: 'own', manager: {}, config, log }), {
    code: 'PORTICO_RPC_OPTION',
    hint,
  });
  assert.throws(() => Config.fromText('', { log }), { code: 'PORTICO_INVALID_OPTION', hint });
  await assert.rejects(Config.load({ argv: false, log }), { code: 'PORTICO_INVALID_OPTION', hint });
  await assert.rejects(
    fastifyApp(async () => undefined, { log }),
    { code: 'PORTICO_INVALID_OPTION', hint },
  );
  await assert.rejects(async () => launch(new Server('own', app), { config, log }), {
    code: 'PORTICO_LAUNCHER_OPTION',
    hint,
  });
});
