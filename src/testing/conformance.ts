/**
 * Duties of every driver of a sort, as cases that any test runner runs:
 * `for (const { name, run } of healthcheckConformance(make)) test(name, run);`. With fakes of the drivers that filters load.
 */
import assert from 'node:assert/strict';
import {
  type HealthcheckPlugin,
  type PluginResult,
  type TokenInfo,
  type TokenValidator,
  ValidatorUnavailable,
} from '../middleware/index.js';
import type { Awaitable } from '../service/index.js';
import { notPlain } from '../service/internal.js';

/** One promise. `run` rejects with an assertion's error where a driver breaks it. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Cases for every driver: it can be closed twice. `make` returns a fresh one. */
export function lifeConformance(what: string, make: () => Awaitable<{ close?(): unknown }>): ConformanceCase[] {
  return [
    {
      name: `${what}: it can be closed twice`,
      run: async () => {
        const driver = await make();
        await driver.close?.();
        await driver.close?.();
      },
    },
  ];
}

/** Tokens that a validator under test is asked about. */
export interface TokenSamples {
  /** A token it takes. */
  readonly good: string;
  /** A token it does not take. */
  readonly bad: string;
}

/** Cases for every `auth.validator`. `make` returns a started one. */
export function tokenValidatorConformance(
  make: () => Awaitable<Pick<TokenValidator, 'validate' | 'challenge' | 'stop'>>,
  { good, bad }: TokenSamples,
): ConformanceCase[] {
  const ask = async (token: string, allowExpired = false): Promise<Partial<TokenInfo> | null> => {
    const validator = await make();
    const info = await validator.validate(token, { allowExpired, signal: new AbortController().signal });
    await validator.stop?.();
    return info as Partial<TokenInfo> | null;
  };
  const named = (what: string): string => `auth.validator: ${what}`;
  return [
    {
      name: named('a good token says who its bearer is, in plain data'),
      run: async () => {
        const info = await ask(good);
        assert.ok(info !== null, 'a good token is taken');
        assert.ok(Array.isArray(info.roles), 'roles are a list of names');
        assert.equal(notPlain(info, 'info'), undefined);
        const scopes = [info.projectId, info.domain, info.systemScope].filter((scope) => scope !== undefined);
        assert.ok(scopes.length <= 1, 'a token has one scope at most');
      },
    },
    {
      name: named('a bad token is null, and no failure'),
      run: async () => {
        for (const token of [bad, '', `${good}x`, 'a'.repeat(100_000)]) assert.equal(await ask(token), null);
      },
    },
    {
      name: named('a bad token stays bad where expired ones count'),
      run: async () => {
        assert.equal(await ask(bad, true), null);
      },
    },
    {
      name: named('a challenge, where it gives one, is one line that names a scheme'),
      run: async () => {
        const validator = await make();
        const challenge = validator.challenge?.();
        if (challenge !== undefined) assert.match(challenge, /^[\w-]+( [^\r\n]*)?$/);
        await validator.stop?.();
      },
    },
  ];
}

/** Cases for every `healthcheck` plugin. */
export function healthcheckConformance(make: () => Awaitable<HealthcheckPlugin>): ConformanceCase[] {
  return [
    ...lifeConformance('healthcheck', make),
    {
      name: 'healthcheck: an answer is yes or no, with a reason, in plain data',
      run: async () => {
        const plugin = await make();
        const result = await plugin.check({ port: 8080, recordLost: false, signal: new AbortController().signal });
        assert.equal(typeof result.available, 'boolean');
        assert.equal(typeof result.reason, 'string');
        assert.notEqual(result.reason, '');
        assert.equal(notPlain(result, 'result'), undefined);
        await plugin.close?.();
      },
    },
    {
      name: 'healthcheck: it can be asked without a port, as on a unix socket',
      run: async () => {
        const plugin = await make();
        const result = await plugin.check({ port: undefined, recordLost: false, signal: new AbortController().signal });
        assert.equal(typeof result.available, 'boolean');
        await plugin.close?.();
      },
    },
  ];
}

/** A validator that takes the tokens it was given. */
export class FakeTokenValidator implements TokenValidator {
  /** Tokens, and what they say. Add and delete as a test needs. */
  readonly tokens: Map<string, TokenInfo>;
  /** True: nothing can be told about any token. */
  away = false;
  /** The tokens that were asked about. */
  readonly asked: string[] = [];

  constructor(tokens: Readonly<Record<string, TokenInfo>> = {}) {
    this.tokens = new Map(Object.entries(tokens));
  }

  async validate(token: string): Promise<TokenInfo | null> {
    this.asked.push(token);
    if (this.away) throw new ValidatorUnavailable('the fake validator is away');
    return this.tokens.get(token) ?? null;
  }
}

/** A plugin whose answer a test sets. */
export class FakeHealthcheck implements HealthcheckPlugin {
  /** Answer to the next question. */
  result: PluginResult = { available: true, reason: 'OK' };
  closed = false;

  check(): PluginResult {
    return this.result;
  }

  close(): void {
    this.closed = true;
  }
}
