/** Conformance cases for the drivers that Portico ships, beside those that `portico/testing` publishes. */
import assert from 'node:assert/strict';
import type { HealthcheckPlugin } from 'portico/middleware';
import type { Awaitable } from 'portico/service';
import { notPlain } from 'portico/service';
import type { ConformanceCase } from 'portico/testing';

/** Returns the case that applies to every driver: it can be closed twice. `make` returns a new driver. */
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

/** Returns the cases for a `healthcheck` plugin. `make` returns a new one. */
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
