/** What operators may say of a service, and how it is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from 'portico';
import { MemoryStore, ServiceRegistry, type ServiceRegistryOptions } from 'portico/registry';
import type { ControlAnswer, ControlRefused, ControlRequest } from '../../../dist/launch/control/control-server.js';
import { serviceRoutes } from '../../../dist/launch/control/service-routes.js';
import { announcement } from '../../registry/announcement.js';

const log = silentLogger();

async function routed(options: ServiceRegistryOptions = {}) {
  const store = new MemoryStore();
  const registry = new ServiceRegistry(store, { log, ...options });
  const record = await store.insert(announcement(), { disabled: false, state: 'running' });
  const routes = serviceRoutes(() => registry);
  const ask = async (route: string, { body = {}, query = '' }: { body?: object; query?: string } = {}) => {
    const request = { body, params: { id: record.uuid }, query: new URLSearchParams(query) };
    return routes[route]!(request as ControlRequest);
  };
  return { record, store, ask };
}

/** The status, the code and the words of what an operator is answered. */
async function refusal(asked: Promise<unknown>): Promise<readonly [number, string, string]> {
  try {
    await asked;
  } catch (error) {
    const { status, code, message } = error as ControlRefused;
    return [status ?? 400, code, message];
  }
  throw new assert.AssertionError({ message: 'it was not refused' });
}

test('SG-51 what is no change of a service is refused: nothing at all, unknown names, values of other types', async () => {
  const { ask, store, record } = await routed();
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /nothing to change/],
    [{ forced_dwon: true }, /no "forced_dwon"/],
    [{ forced_down: 'false' }, /forced_down is not true or false/],
    [{ forced_down: 1 }, /forced_down is not true or false/],
    [{ status: 'on' }, /status is one of enabled, disabled, not "on"/],
    [{ status: true }, /status is one of/],
    [{ status: 'disabled', disabled_reason: 7 }, /disabled_reason is not a text/],
    [{ status: 'enabled', disabled_reason: 'x' }, /has no disabled_reason/],
  ];
  for (const [body, said] of wrong) {
    const [status, code, message] = await refusal(ask('PUT /services/:id', { body }));
    assert.deepEqual([status, code], [400, 'PORTICO_INVALID_CHANGE'], JSON.stringify(body));
    assert.match(message, said);
  }
  const kept = await store.get(record.uuid);
  assert.deepEqual([kept!.disabled, kept!.forcedDown, kept!.updatedAt], [false, false, null]);
});

test('SG-52 SG-53 an application that refuses is answered with 409 and its reason', async () => {
  const refusing = (reason: string) => () => {
    throw new Error(reason);
  };
  const { ask, store, record } = await routed({
    beforeDelete: refusing('it has servers'),
    beforeForceUp: refusing('servers are being moved'),
  });
  await store.update(record.id, { forcedDown: true });
  assert.deepEqual(await refusal(ask('DELETE /services/:id')), [409, 'PORTICO_CHANGE_REFUSED', 'it has servers']);
  assert.deepEqual(await refusal(ask('PUT /services/:id', { body: { forced_down: false } })), [
    409,
    'PORTICO_CHANGE_REFUSED',
    'servers are being moved',
  ]);
});

test('SG-52 a service that is up is deleted by force=true alone', async () => {
  const { ask, store, record } = await routed();
  assert.deepEqual((await refusal(ask('DELETE /services/:id', { query: 'force=false' }))).slice(0, 2), [
    409,
    'PORTICO_SERVICE_UP',
  ]);
  assert.deepEqual((await refusal(ask('DELETE /services/:id', { query: 'force=yes' }))).slice(0, 2), [
    400,
    'PORTICO_CONTROL_QUERY',
  ]);
  assert.notEqual(await store.get(record.uuid), null);
  const answer = await ask('DELETE /services/:id', { query: 'force=true' });
  assert.deepEqual([(answer as ControlAnswer).status, await store.get(record.uuid)], [204, null]);
});
