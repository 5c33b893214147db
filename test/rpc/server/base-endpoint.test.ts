import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BaseEndpoint, RPCService, type RPCServiceOptions } from 'portico/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';

const { log } = recordedLog();

function create(options: RPCServiceOptions = {}): RPCService {
  return RPCService.create({ binary: 'portico-images', manager: {}, registration: null, log, ...options });
}

test('LC-1344 the base endpoint answers for every service: it is there, and how it is', async () => {
  const service = create({ host: 'north', version: 6 });
  await service.start();
  const base = service.endpoints[1] as BaseEndpoint;
  assert.deepEqual(base.ping(undefined, { arg: [1, 2] }), { service: 'images', host: 'north', arg: [1, 2] });
  const { uptime, ...status } = base.getStatus();
  assert.ok(uptime >= 0);
  assert.deepEqual(status, { version: 6, inFlight: 0, draining: false, configGeneration: 1 });
  await service.stop();
});
