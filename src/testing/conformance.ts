/** Conformance cases of a validator of `auth_token`, for any test runner, and a validator for tests. */
import assert from 'node:assert/strict';
import { type TokenInfo, type TokenValidator, ValidatorUnavailable } from '../middleware/index.js';
import type { Awaitable } from '../service/index.js';
import { notPlain } from '../service/index.js';

/** One requirement. `run` rejects with an assertion error if the validator violates it. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Tokens for the validator under test. */
export interface TokenSamples {
  /** A token that it accepts. */
  readonly good: string;
  /** A token that it rejects. */
  readonly bad: string;
}

/** Returns the cases for an `auth.validator`. `make` returns a started one. */
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

/** A validator that accepts the given tokens. */
export class FakeTokenValidator implements TokenValidator {
  /** Tokens with their contents. A test can add and delete entries. */
  readonly tokens: Map<string, TokenInfo>;
  /** True: `validate` throws `ValidatorUnavailable`. */
  away = false;
  /** The tokens passed to `validate`, in order. */
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
