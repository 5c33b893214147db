/** The line of the log at the moment when a certificate ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndedCertificates } from '../../../dist/operating/control/ended-certificates.js';
import { recordedLog } from '../../tasks/recorded-log.js';

test('a certificate that has expired is logged once, and its successor again', () => {
  const { log, messages } = recordedLog();
  const ended = new EndedCertificates(log);
  const at = (certificateEnds: string | undefined, now: string): void =>
    ended.look([{ name: 'shop', certificateEnds }], Date.parse(now));
  at(undefined, '2026-01-01T00:00:00Z');
  at('2026-01-01T12:00:00.000Z', '2026-01-01T11:59:59Z');
  assert.deepEqual(messages(), []);
  at('2026-01-01T12:00:00.000Z', '2026-01-01T12:00:01Z');
  at('2026-01-01T12:00:00.000Z', '2026-01-01T12:00:16Z');
  at('2026-01-02T00:00:00.000Z', '2026-01-02T00:00:00Z');
  assert.equal(messages().length, 2);
  assert.match(messages()[0]!, /^The certificate of shop expired at 2026-01-01T12:00:00\.000Z: /);
});
