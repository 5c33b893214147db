/**
 * Times as OpenStack's APIs write and read them (ISO 8601).
 */
import { Fault, quoteClient } from '../app/index.js';

/** `2013-07-23T11:33:21Z`. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `2013-07-23T11:33:21.000000`: to the microsecond, in UTC without saying so. */
export function isoMicros(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000`;
}

/** As Python's iso8601 reads them: from the year alone to fractions of a second, with or without dashes and colons. */
const TIME = new RegExp(
  '^(?<year>\\d{4})(?:(?:-(?<month>\\d\\d?)|(?<plainMonth>\\d\\d)(?!$))' +
    '(?:(?:-(?<day>\\d\\d?)|(?<plainDay>\\d\\d))' +
    '(?:[ T](?<hour>\\d\\d)(?::?(?<minute>\\d\\d))?(?::?(?<second>\\d\\d?)(?:[.,](?<fraction>\\d+))?)?' +
    '(?:Z|(?<sign>[+-])(?<zoneHour>\\d\\d):?(?<zoneMinute>\\d\\d)?)?)?)?)?$',
);

/**
 * A client's time in milliseconds; UTC where it names no zone. ISO 8601: `2013-07-23T11:33:21Z`, `20130723T113321+0200`,
 * `2013-07-23`. Throws a `Fault` 400 for any other text, and for a day that does not exist.
 */
export function clientTime(text: string): number {
  const parts = TIME.exec(text)?.groups;
  const number = (name: string): number => Number(parts?.[name] ?? 0);
  const month = Number(parts?.month ?? parts?.plainMonth ?? 1);
  const day = Number(parts?.day ?? parts?.plainDay ?? 1);
  const [year, hour, minute, second] = [number('year'), number('hour'), number('minute'), number('second')];
  const [zoneHour, zoneMinute] = [number('zoneHour'), number('zoneMinute')];
  const date = new Date(0);
  // Not Date.UTC, which takes the year 13 for 1913.
  date.setUTCFullYear(year, month - 1, day);
  const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (parts === undefined || !isDay || hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) {
    throw new Fault(400, { message: `Invalid time: ${quoteClient(text)}` });
  }
  const zone = (zoneHour * 60 + zoneMinute) * (parts.sign === '-' ? -1 : 1);
  const ms = Math.floor(Number(`0.${parts.fraction ?? 0}`) * 1000);
  return date.setUTCHours(hour, minute - zone, second, ms);
}
