/**
 * What every driver of a kind must do, as cases that any test runner runs:
 * `for (const { name, run } of driverConformance(kind, make)) test(name, run);`. With fakes of the kinds that filters load.
 */
import assert from 'node:assert/strict';
import { ValidatorUnavailable } from '../middleware/index.js';
import { healthcheckKind, tokenValidatorKind } from '../middleware/internal.js';
import { type DriverKind, type DriverLife, Drivers } from '../service/index.js';
import { NotSupported, notPlain } from '../service/internal.js';

/** One promise of a kind. `run` rejects with an assertion's error where a driver breaks it. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Makes a fresh driver for one case, not opened yet. Each case closes what it was given. */
export type MakeDriver<T extends object> = () => T | Promise<T>;

/**
 * What holds for the drivers of all kinds: methods, version and capabilities as the kind declares them, and a life that
 * can be closed, twice too.
 */
export function driverConformance(kind: DriverKind, make: MakeDriver<object>): ConformanceCase[] {
  const loaded = async (): Promise<{ drivers: Drivers; driver: DriverLife }> => {
    const drivers = new Drivers();
    drivers.declare({ ...kind, builtin: { tested: make }, shared: false });
    return { drivers, driver: await drivers.load(kind.kind, 'tested') };
  };
  const named = (what: string): string => `${kind.kind}: ${what}`;
  return [
    {
      name: named('a driver has what the kind requires, and is opened and closed'),
      run: async () => {
        const { drivers } = await loaded();
        await drivers.close();
      },
    },
    {
      name: named('a driver that was opened is healthy, and can be closed twice'),
      run: async () => {
        const { driver } = await loaded();
        await driver.healthcheck?.();
        await driver.close?.();
        await driver.close?.();
      },
    },
    {
      name: named('capabilities are true or false, and none is unknown to the kind'),
      run: async () => {
        const { drivers, driver } = await loaded();
        const known = Object.keys(kind.capabilities ?? {});
        for (const name in driver) {
          if (!/^supports[A-Z]/.test(name)) continue;
          assert.ok(known.includes(name), `the kind ${kind.kind} knows no capability ${name}`);
          assert.equal(typeof (driver as Record<string, unknown>)[name], 'boolean', `${name} is true or false`);
        }
        await drivers.close();
      },
    },
    {
      name: named('an optional method is there, or says that it is not supported'),
      run: async () => {
        const drivers = new Drivers();
        const own = (await make()) as Record<string, unknown>;
        const missing = (kind.optional ?? []).filter((method) => typeof own[method] !== 'function');
        drivers.declare({ ...kind, builtin: { tested: () => own }, shared: false });
        const driver = await drivers.load<Record<string, () => unknown>>(kind.kind, 'tested');
        // Awaited, since a driver may bring a method of its own that rejects.
        for (const method of missing) await assert.rejects(async () => driver[method]!(), NotSupported);
        await drivers.close();
      },
    },
  ];
}

// The types of `portico/middleware` are not named here: tests of something else need not compile against them.

/** What is asked of a validator: a `TokenValidator` has it. */
export interface TestedValidator {
  validate(
    token: string,
    options: { readonly allowExpired: boolean; readonly signal: AbortSignal },
  ): Promise<object | null>;
  challenge?(): string;
  stop?(): unknown;
}

/** What is asked of a plugin: a `HealthcheckPlugin` has it. */
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

/** What a token says: a `TokenInfo`, of which only the roles are required. */
export interface FakeTokenInfo {
  readonly roles: readonly string[];
  readonly [fact: string]: unknown;
}

/** What a validator under test is asked about. */
export interface TokenSamples {
  /** A token it takes. */
  readonly good: string;
  /** A token it does not take. */
  readonly bad: string;
}

/** What every `auth.validator` must do. `make` gives one that was started. */
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
    ...driverConformance(tokenValidatorKind, make),
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

/** What every `healthcheck` plugin must do. */
export function healthcheckConformance(make: MakeDriver<TestedPlugin>): ConformanceCase[] {
  return [
    ...driverConformance(healthcheckKind, make),
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
  /** What the next question is answered with. */
  result: HealthAnswer = { available: true, reason: 'OK' };
  closed = false;

  check(): HealthAnswer {
    return this.result;
  }

  close(): void {
    this.closed = true;
  }
}
