/** The list of differences as Markdown, for a pull request: a table of each class; compatible ones are folded. */
import { printable, printableLines } from '../text/index.js';
import { counted, type Difference, type Line, linesOf } from './difference.js';
import { HEADINGS, type Noted, placeOf, statusOf, subjectOf } from './print-text.js';
import { CLASSES } from './rules.js';

/** Returns the list of a comparison; `before` and `after`: its states. */
export function markdownOf(
  differences: readonly Difference[],
  {
    before,
    after,
    noted = () => undefined,
  }: { readonly before: string; readonly after: string; readonly noted?: Noted | undefined },
): string {
  const { breaking } = counted(differences);
  const heading = `### ${breaking > 0 ? '❌' : '✅'} API: ${code(before)} → ${code(after)}`;
  const lines = linesOf(differences, (each) => noted(each) !== undefined);
  const blocks = CLASSES.flatMap((one) => {
    const own = lines.filter(({ first }) => first.class === one);
    if (own.length === 0) return [];
    const table = tableOf(own.map((each) => row(each, noted)));
    if (one !== 'compatible') return [`**${HEADINGS[one]}**\n\n${table}`];
    return [`<details><summary>${own.length} compatible</summary>\n\n${table}\n\n</details>`];
  });
  return [heading, ...blocks, statusOf(differences)].join('\n\n');
}

/** Returns the error that kept states from a comparison: a job summary shows standard output only. */
export function failureMarkdown(said: string): string {
  const text = printableLines(said).trimEnd();
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `### ❌ API: not compared\n\n${fence}text\n${text}\n${fence}`;
}

/** Returns a table of four columns without headings. */
export function tableOf(rows: ReadonlyArray<readonly [string, string, string, string]>): string {
  return ['| | | | |', '| --- | --- | --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function row({ first: difference, subjects }: Line, noted: Noted): [string, string, string, string] {
  const { text, effect } = difference;
  const subject = subjectOf(difference, subjects);
  const place = subjects.length > 1 ? '' : placeOf(difference);
  const more = noted(difference) ?? effect ?? '';
  return [code(subject), escaped(text), escaped(more), place === '' ? '' : code(place)];
}

/** Characters that Markdown or a table would read; texts may come from an application. */
export function escaped(text: string): string {
  return printable(text).replaceAll(/[\\`*_{}[\]<>#|~@]/g, String.raw`\$&`);
}

/** Text in backticks. */
export function code(text: string): string {
  return `\`${printable(text).replaceAll('`', "'").replaceAll('|', String.raw`\|`)}\``;
}
