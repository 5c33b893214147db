/**
 * Times as OpenStack's APIs write and read them (ISO 8601).
 */
import { Fault, quoteClient } from '../../app/index.js';

/** `2013-07-23T11:33:21Z`. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `2013-07-23T11:33:21.000000`: to the microsecond, in UTC without saying so. */
export function isoMicros(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000`;
}

/** A client's time in milliseconds; UTC where it names no zone. Throws a `Fault` 400 for what is none. */
export function clientTime(text: string): number {
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(time)) throw new Fault(400, { message: `Invalid time: ${quoteClient(text)}` });
  return time;
}
