import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DriverPolicy, Drivers, guardDriver, NotSupported } from 'portico/service';

/** A driver that does what it is told, and has members that are its own. */
class Flaky {
  calls = 0;
  readonly #secret = 7;
  answers: (() => unknown)[] = [];

  fetch(id: string): unknown {
    this.calls++;
    return (this.answers.shift() ?? (() => `${id} ${this.#secret}`))();
  }

  plain(): number {
    return this.#secret;
  }
}

const fail = (): never => {
  throw new Error('no route to host');
};
const hang = (): Promise<never> => new Promise(() => {});

async function guarded(policy: DriverPolicy, ...answers: (() => unknown)[]): Promise<{ raw: Flaky; driver: Flaky }> {
  const raw = new Flaky();
  raw.answers = answers;
  return { raw, driver: await guardDriver(raw, ['fetch'], policy) };
}

/** A timer of one's own, since a policy's may be the only thing under way. */
async function alive<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

test('MG-48 a time limit: a call that hangs is given up, and named', async () => {
  const { driver } = await guarded({ timeout: 0.02 }, hang);
  await alive(
    assert.rejects(async () => driver.fetch('a'), {
      code: 'PORTICO_DRIVER_TIMEOUT',
      message: 'Flaky.fetch took more than 0.02 s',
    }),
  );
  assert.equal(await driver.fetch('a'), 'a 7');
});

test('MG-48 retries: as many as are allowed, for errors that are worth it; then the last error', async () => {
  const retry = { retries: 2, initialDelay: 0.001 };
  const healed = await guarded({ retry }, fail, fail);
  assert.equal(await alive(healed.driver.fetch('a') as Promise<string>), 'a 7');
  assert.equal(healed.raw.calls, 3);

  const hopeless = await guarded({ retry }, fail, fail, fail, fail);
  await alive(assert.rejects(async () => hopeless.driver.fetch('a'), /no route to host/));
  assert.equal(hopeless.raw.calls, 3);

  const when = ({ message }: Error): boolean => message !== 'no route to host';
  const choosy = await guarded({ retry: { ...retry, when } }, fail);
  await assert.rejects(async () => choosy.driver.fetch('a'), /no route to host/);
  assert.equal(choosy.raw.calls, 1);
});

test('MG-48 a breaker: after failures in a row calls fail at once, until one is let through and works', async () => {
  const { raw, driver } = await guarded({ breaker: { failures: 2, resetAfter: 0.05 } }, fail, fail);
  for (let call = 0; call < 2; call++) await assert.rejects(async () => driver.fetch('a'), /no route to host/);
  await assert.rejects(async () => driver.fetch('a'), {
    code: 'PORTICO_DRIVER_BROKEN',
    message: 'Flaky.fetch is not tried: the driver Flaky failed 2 times in a row',
  });
  assert.equal(raw.calls, 2);
  const healed = async (): Promise<unknown> => {
    for (;;) {
      try {
        return await driver.fetch('a');
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'PORTICO_DRIVER_BROKEN');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  assert.equal(await healed(), 'a 7');
});

test('MG-48 together: each try has the time limit, and nothing is tried against an open breaker', async () => {
  const policy = { timeout: 0.02, retry: { retries: 5, initialDelay: 0.001 }, breaker: { failures: 2 } };
  const { raw, driver } = await guarded(policy, hang, hang, hang);
  await alive(assert.rejects(async () => driver.fetch('a'), { code: 'PORTICO_DRIVER_BROKEN' }));
  assert.equal(raw.calls, 2);
});

test('MG-44 MG-48 a method that the driver does not support fails at once and counts for nothing', async () => {
  const unsupported = (): never => {
    throw new NotSupported('the driver', 'fetch');
  };
  const policy = { retry: { retries: 3, initialDelay: 0.001 }, breaker: { failures: 1 } };
  const { raw, driver } = await guarded(policy, unsupported, unsupported);
  for (let call = 0; call < 2; call++) await assert.rejects(async () => driver.fetch('a'), NotSupported);
  assert.equal(raw.calls, 2);
});

test('MG-48 a policy is off unless its kind has one; then it is around the methods and nothing else', async () => {
  for (const [policy, code] of [
    [undefined, undefined],
    [{ breaker: { failures: 1 } }, 'PORTICO_DRIVER_BROKEN'],
  ] as const) {
    const raw = new Flaky();
    raw.answers = [fail, fail];
    const drivers = new Drivers();
    drivers.declare({ kind: 'images', required: ['fetch'], builtin: { raw }, ...(policy && { policy }) });
    const driver = await drivers.load<Flaky>('images', 'raw');
    for (const expected of [undefined, code]) {
      await assert.rejects(
        async () => driver.fetch('a'),
        (error) => (error as { code?: string }).code === expected,
      );
    }
    assert.equal(driver.plain(), 7);
    assert.ok(driver instanceof Flaky);
  }
});

test('MG-48 a breaker that opens between retries does not hide what went wrong', async () => {
  const retry = { retries: 5, initialDelay: 0.001 };
  const { raw, driver } = await guarded({ retry, breaker: { failures: 2 } }, fail, fail, fail, fail);
  const broken = ({ code, cause, hint }: Error & { code?: string; hint?: string }): boolean => {
    assert.equal(code, 'PORTICO_DRIVER_BROKEN');
    assert.match(String(cause), /no route to host/);
    assert.match(hint!, /which was: no route to host/);
    return true;
  };
  await alive(assert.rejects(async () => driver.fetch('a'), broken));
  await assert.rejects(async () => driver.fetch('b'), broken);
  assert.equal(raw.calls, 2);
  const slow = await guarded({ timeout: 0.01, retry, breaker: { failures: 1 } }, hang);
  await alive(
    assert.rejects(
      async () => slow.driver.fetch('a'),
      ({ cause }: Error) => /took more than 0.01 s/.test(String(cause)),
    ),
  );
});

test('MG-48 a driver that is frozen, or has members that cannot be changed, is guarded as others', async () => {
  const raw = Object.freeze({ name: 'frozen', fetch: (id: string): unknown => id, plain: () => 7 });
  const driver = await guardDriver(raw, ['fetch'], { timeout: 1 });
  assert.equal(await driver.fetch('a'), 'a');
  assert.deepEqual([driver.plain(), driver.name, 'fetch' in driver], [7, 'frozen', true]);
  assert.deepEqual(Object.keys(driver), ['name', 'fetch', 'plain']);
  const { raw: open, driver: guardedOne } = await guarded({ timeout: 1 });
  guardedOne.calls = 5;
  assert.deepEqual([open.calls, guardedOne.calls, guardedOne instanceof Flaky], [5, 5, true]);
});
