/** The list of differences as text: aligned columns under the heading of each class. */
import { printable } from '../text/index.js';
import { counted, type Difference, linesOf, STATUS_BREAKING } from './difference.js';
import { CLASSES } from './rules.js';

/** A column that belongs to some routes: what a replay has found. */
export type Noted = (difference: Difference) => string | undefined;

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

/** Returns the list, and its sum with the status of the command. */
export function textOf(differences: readonly Difference[], noted?: Noted): string {
  return [...listOf(differences, noted), statusOf(differences)].join('\n');
}

/** Returns the lines of the list: each class with its differences. */
export function listOf(differences: readonly Difference[], noted: Noted = () => undefined): string[] {
  const lines = linesOf(differences, (each) => noted(each) !== undefined);
  const rows = lines.map(({ first, subjects }) => [
    `${SIGNS[first.change]} ${subjectOf(first, subjects)}`,
    first.text,
    noted(first) ?? first.effect ?? '',
    subjects.length > 1 ? '' : placeOf(first),
  ]);
  const texts = aligned(rows);
  return CLASSES.flatMap((one) => {
    const own = texts.filter((_, at) => lines[at]!.first.class === one);
    return own.length === 0 ? [] : [HEADINGS[one], ...own.map((line) => `  ${line}`)];
  });
}

export const HEADINGS = { breaking: 'Breaking', 'to look at': 'To look at', compatible: 'Compatible' } as const;

/** `GET /rooms`, or `31 routes of bookings`. */
export function subjectOf({ subject, api }: Difference, subjects: readonly string[]): string {
  return subjects.length > 1 ? `${subjects.length} routes of ${api}` : subject;
}

/** Returns the location in the new state; of what is removed, that in the old one. */
export function placeOf({ old, new: now }: Difference): string {
  return now ?? (old === null ? '' : `was ${old}`);
}

/** `2 breaking, 1 to look at · exit status 3` */
export function statusOf(differences: readonly Difference[]): string {
  const { breaking } = counted(differences);
  return `${sumOf(differences)}${breaking > 0 ? ` · exit status ${STATUS_BREAKING}` : ''}`;
}

/** `2 breaking, 1 to look at` */
export function sumOf(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'No differences.';
  const { breaking, ...others } = counted(differences);
  const parts = [
    `${breaking} breaking`,
    ...Object.entries(others).flatMap(([one, n]) => (n > 0 ? [`${n} ${one}`] : [])),
  ];
  return parts.join(', ');
}

/** Texts may come from an application: a line end in one adds no line. */
function aligned(table: readonly (readonly string[])[]): string[] {
  const rows = table.map((row) => row.map(printable));
  const widths = (rows[0] ?? []).map((_, at) => Math.min(WIDEST, Math.max(...rows.map((row) => row[at]!.length))));
  return rows.map((row) =>
    row
      .flatMap((cell, at) => (widths[at] === 0 ? [] : [cell.padEnd(widths[at]!)]))
      .join('  ')
      .trimEnd(),
  );
}

/** A longer text moves the rest of its line only. */
const WIDEST = 60;
