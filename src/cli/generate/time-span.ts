/**
 * Times as systemd.time(7) and nginx have them: `90`, `1min 30s`, `1m30s`.
 */

const UNITS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3600,
  hr: 3600,
  d: 86_400,
};

/** A time in seconds; a number without a unit is in seconds. */
export function secondsOf(text: string): number {
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)\s*([a-z]*)/g)) {
    seconds += Number(number) * (UNITS[unit === '' ? 's' : unit!] ?? 1);
  }
  return seconds;
}
