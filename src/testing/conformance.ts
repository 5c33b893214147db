/**
 * What every driver of a kind must do, as cases that any test runner runs:
 * `for (const { name, run } of driverConformance(kind, make)) test(name, run);`.
 */
import assert from 'node:assert/strict';
import { type DriverKind, type DriverLife, Drivers } from '../service/index.js';
import { NotSupported } from '../service/internal.js';

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
