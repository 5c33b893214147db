/**
 * What a fault test reports beside passing: one line of figures, which the table of docs/reliability.md is made from.
 */

/** True in the long run (`npm run test:faults`): the counts the table states, instead of a few of each. */
export const isLong = process.env.PORTICO_FAULTS === 'long';

/** Prints one line, `figures: <row>: name value, …`. */
export function printFigures(row: string, facts: Readonly<Record<string, string | number>>): void {
  const parts = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`figures: ${row}: ${parts.join(', ')}\n`);
}

/** The value that this share (0 to 1) of the values does not exceed; 0 without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Median and largest of some durations, in milliseconds. */
export function describeTimes(values: readonly number[]): string {
  return `median ${Math.round(quantile(values, 0.5))} ms, at most ${Math.round(quantile(values, 1))} ms`;
}

/** Losses by kind with their counts, or `none`. */
export function describeLosses(lost: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const loss of lost) counts.set(loss, (counts.get(loss) ?? 0) + 1);
  return [...counts].map(([loss, count]) => `${count} x ${loss}`).join(' + ') || 'none';
}
