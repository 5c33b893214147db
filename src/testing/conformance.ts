/**
 * Duties of every driver of a sort, as cases that any test runner runs:
 * `for (const { name, run } of healthcheckConformance(make)) test(name, run);`. With fakes of the drivers that filters load.
 */
import assert from 'node:assert/strict';
import { ValidatorUnavailable } from '../middleware/index.js';
import { notPlain } from '../service/internal.js';

/** One promise. `run` rejects with an assertion's error where a driver breaks it. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Makes a fresh driver for one case, not opened yet. Each case closes what it was given. */
export type MakeDriver<T extends object> = () => T | Promise<T>;

/** Cases for every driver: it can be closed twice. */
export function lifeConformance(what: string, make: MakeDriver<{ close?(): unknown }>): ConformanceCase[] {
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

// The types of `portico/middleware` are not named here: tests of something else need not compile against them.

/** The tested part of a validator: a `TokenValidator` has it. */
export interface TestedValidator {
  validate(
    token: string,
    options: { readonly allowExpired: boolean; readonly signal: AbortSignal },
  ): Promise<object | null>;
  challenge?(): string;
  stop?(): unknown;
}

/** The tested part of a plugin: a `HealthcheckPlugin` has it. */
export interface TestedPlugin {
  check(where: {
    readonly port: number | undefined;
    readonly signal: AbortSignal;
  }): HealthAnswer | Promise<HealthAnswer>;
  close?(): unknown;
}

/** A plugin's answer. */
export interface HealthAnswer {
  readonly available: boolean;
  readonly reason: string;
  readonly details?: string | undefined;
}

/** Facts of a token: a `TokenInfo`, of which only the roles are required. */
export interface FakeTokenInfo {
  readonly roles: readonly string[];
  readonly [fact: string]: unknown;
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
  make: MakeDriver<TestedValidator>,
  { good, bad }: TokenSamples,
): ConformanceCase[] {
  const ask = async (token: string, allowExpired = false): Promise<Partial<FakeTokenInfo> | null> => {
    const validator = await make();
    const info = await validator.validate(token, { allowExpired, signal: new AbortController().signal });
    await validator.stop?.();
    return info as Partial<FakeTokenInfo> | null;
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
export function healthcheckConformance(make: MakeDriver<TestedPlugin>): ConformanceCase[] {
  return [
    ...lifeConformance('healthcheck', make),
    {
      name: 'healthcheck: an answer is yes or no, with a reason, in plain data',
      run: async () => {
        const plugin = await make();
        const result = await plugin.check({ port: 8080, signal: new AbortController().signal });
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
        const result = await plugin.check({ port: undefined, signal: new AbortController().signal });
        assert.equal(typeof result.available, 'boolean');
        await plugin.close?.();
      },
    },
  ];
}

/** A validator that takes the tokens it was given. */
export class FakeTokenValidator implements TestedValidator {
  /** Tokens, and what they say. Add and delete as a test needs. */
  readonly tokens: Map<string, FakeTokenInfo>;
  /** True: nothing can be told about any token. */
  away = false;
  /** The tokens that were asked about. */
  readonly asked: string[] = [];

  constructor(tokens: Readonly<Record<string, FakeTokenInfo>> = {}) {
    this.tokens = new Map(Object.entries(tokens));
  }

  async validate(token: string): Promise<FakeTokenInfo | null> {
    this.asked.push(token);
    if (this.away) throw new ValidatorUnavailable('the fake validator is away');
    return this.tokens.get(token) ?? null;
  }
}

/** A plugin whose answer a test sets. */
export class FakeHealthcheck implements TestedPlugin {
  /** Answer to the next question. */
  result: HealthAnswer = { available: true, reason: 'OK' };
  closed = false;

  check(): HealthAnswer {
    return this.result;
  }

  close(): void {
    this.closed = true;
  }
}
