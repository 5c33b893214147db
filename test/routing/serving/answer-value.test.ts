/** Values of actions that cannot be sent: the log says that the answer is meant, and why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router } from 'portico/routing';
import { captureLog, request } from 'portico/testing';

test('a value that does not fit its response schema, or is no JSON, is named as such in the log', async () => {
  const { log, lines } = captureLog();
  const router = new Router({ log });
  const numbered = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
  router.get('/missing', { response: { 200: numbered } }, () => ({}));
  router.get('/text', { response: { 200: numbered } }, (() => 'text') as never);
  router.get('/wrong', { response: { 200: numbered } }, () => ({ n: 'x' }));
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  router.get('/circle', () => circle);
  router.get('/own', () => ({
    toJSON() {
      throw new RangeError('of the application');
    },
  }));
  const app = await router.build();
  const errorOf = async (path: string): Promise<{ type: string; message: string }> => {
    assert.equal((await request(app, 'GET', path)).status, 500);
    return lines.at(-1)!.err as { type: string; message: string };
  };
  for (const [path, why] of [
    ['/missing', /cannot be sent: "n" is required/],
    ['/text', /cannot be sent: "n" is required/],
    ['/wrong', /cannot be sent: The value "x" cannot be converted to an integer/],
    ['/circle', /cannot be sent: .*circular structure/],
  ] as const) {
    const { type, message } = await errorOf(path);
    assert.equal(type, 'PorticoError');
    assert.match(message, why);
  }
  assert.deepEqual((await errorOf('/own')).message, 'of the application');
});
