/** The figures that fault tests report; the table in docs/reliability.md is made from them. */

/** True in the long run (`npm run test:faults`), which uses the counts of the table instead of small ones. */
export const isLong = process.env.PORTICO_FAULTS === 'long';

/** Prints a block: `figures: <row>`, then a line for each name and its value. */
export function printFigures(row: string, facts: Readonly<Record<string, string | number>>): void {
  const lines = Object.entries(facts).map(([name, value]) => `    ${name.padEnd(COLUMN)}  ${value}\n`);
  process.stdout.write(`figures: ${row}\n${lines.join('')}`);
}

const COLUMN = 44;

/** The value that this share (0 to 1) of the values does not exceed; 0 for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** The median and the maximum of durations in milliseconds; a single duration as it is. */
export function describeTimes(values: readonly number[]): string {
  if (values.length === 0) return 'never';
  const largest = seconds(quantile(values, 1));
  return values.length === 1 ? largest : `${seconds(quantile(values, 0.5))} (median), ${largest} at most`;
}

/** Milliseconds formatted as seconds, with two decimals. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** Losses by kind with their counts, or `none`. */
export function describeLosses(lost: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const loss of lost) counts.set(loss, (counts.get(loss) ?? 0) + 1);
  return [...counts].map(([loss, count]) => `${count} x ${loss}`).join(' + ') || 'none';
}
