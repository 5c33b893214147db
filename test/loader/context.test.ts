/** Tests `rpc` of the factory context. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger, LogLevel } from 'portico';
import type { App, FactoryContext, Filter } from 'portico/app';
import { Config } from 'portico/config';
import { type RPCClient, type RPCClients, RPCService } from 'portico/rpc';
import { buildApp, request } from 'portico/testing';
import { gate } from '../rpc/services.js';
import { recordedLog } from '../tasks/recorded-log.js';
import { loaderOf } from './composed.js';

const INI = `
[pipeline:main]
pipeline = around inner
[filter:around]
paste.filter_factory = around
[app:inner]
paste.app_factory = inner
`;

const answer: App = (_req, res) => {
  res.end();
};
const unchanged: Filter = (app) => app;

/** Serves the topic `images` on the default transport. */
async function served(t: { after(end: () => Promise<void>): void }, manager: object): Promise<void> {
  const { log } = recordedLog();
  const service = RPCService.create({ binary: 'portico-images', host: 'north', registration: null, manager, log });
  await service.start();
  t.after(() => service.stop());
}

test('MG-6 the factories of a load have one way to other services, which ends with the app that they made', async (t) => {
  const [begun, ended] = [gate(), gate()];
  await served(t, {
    async size() {
      begun.open();
      await ended.opened;
    },
  });
  const given: RPCClients[] = [];
  const noted =
    (made: unknown) =>
    async (_globalConf: unknown, _localConf: unknown, { rpc }: FactoryContext) => {
      given.push(await rpc());
      return made;
    };
  const app = await loaderOf(INI, { around: noted(unchanged), inner: noted(answer) }).loadApp();
  assert.equal(given.length, 2);
  assert.equal(given[0], given[1]);
  const call = given[0]!.client({ topic: 'images' }).call({}, 'size');
  const failed = assert.rejects(call, /stopped waiting/);
  await begun.opened;
  await app.close();
  await failed;
  ended.open();
});

test('a load that fails ends the way to other services that a factory has asked for', async (t) => {
  const [begun, ended] = [gate(), gate()];
  await served(t, {
    async size() {
      begun.open();
      await ended.opened;
    },
  });
  let failed: Promise<void> | undefined;
  const inner = async (_globalConf: unknown, _localConf: unknown, { rpc }: FactoryContext) => {
    const client = (await rpc()).client({ topic: 'images' });
    failed = assert.rejects(client.call({}, 'size'), /stopped waiting/);
    await begun.opened;
    throw new Error('no disk');
  };
  await assert.rejects(loaderOf(INI, { around: () => unchanged, inner }).loadApp(), /no disk/);
  await failed;
  ended.open();
});

test('an app in a test has the service beside it', async (t) => {
  await served(t, { size: (_context: unknown, { id }: { id: string }) => id.length });
  const factory = async (_globalConf: unknown, _localConf: unknown, { rpc }: FactoryContext): Promise<App> => {
    const images: RPCClient = (await rpc()).client({ topic: 'images' });
    return async (_req, res) => {
      res.end(String(await images.call({}, 'size', { id: 'abc' })));
    };
  };
  const { made, close } = await buildApp(factory);
  const answered = await request(made, 'GET', '/');
  assert.equal(answered.text(), '3');
  await close();
});

test('a way to other services tells whether these are in its process alone', async () => {
  const reached = async (ini: string): Promise<boolean> => {
    let alone: boolean | undefined;
    const factory = async (_globalConf: unknown, _localConf: unknown, { rpc }: FactoryContext): Promise<App> => {
      alone = (await rpc()).isInProcess;
      return answer;
    };
    await (await buildApp(factory, { config: Config.fromText(ini) })).close();
    return alone!;
  };
  assert.equal(await reached(''), true);
  assert.equal(await reached('[rpc]\ntransport_url = amqp://north/\n'), false);
});

test('the log of a factory works with a logger of the application that has private fields', async () => {
  class Own implements Logger {
    readonly #lines: string[];
    #level: LogLevel = 'info';
    constructor(lines: string[]) {
      this.#lines = lines;
    }
    get level(): LogLevel {
      return this.#level;
    }
    set level(level: LogLevel) {
      this.#level = level;
    }
    readonly #write = (...parts: readonly unknown[]): void => void this.#lines.push(String(parts.at(-1)));
    debug(...parts: readonly unknown[]): void {
      this.#write(...parts);
    }
    info(...parts: readonly unknown[]): void {
      this.#write(...parts);
    }
    warn(...parts: readonly unknown[]): void {
      this.#write(...parts);
    }
    error(...parts: readonly unknown[]): void {
      this.#write(...parts);
    }
    notice(...parts: readonly unknown[]): void {
      this.#write(...parts);
    }
    child(): Own {
      return new Own(this.#lines);
    }
    enabled(level: LogLevel): boolean {
      return level === this.#level;
    }
  }
  const lines: string[] = [];
  let given: Logger | undefined;
  const inner = (_globalConf: unknown, _localConf: unknown, { log }: FactoryContext): App => {
    given = log;
    return answer;
  };
  const app = await loaderOf('[app:main]\npaste.app_factory = inner\n', { inner }, { log: new Own(lines) }).loadApp();
  const log = given!;
  for (const level of ['debug', 'info', 'warn', 'error', 'notice'] as const) log[level](level);
  log.child({ of: 'a request' }).info('child');
  log.level = 'error';
  assert.ok(log.enabled('error') && log.level === 'error');
  assert.deepEqual(lines.slice(-6), ['debug', 'info', 'warn', 'error', 'notice', 'child']);
  await app.close();
});
