// Formats results as Markdown.

/** Returns a figure as text: the median and the quartiles. `digits` defaults to 1. */
export function figure({ median, lower, upper, digits = 1 }) {
  const text = median.toFixed(digits);
  const spread = [lower, upper].map((each) => each.toFixed(digits));
  return spread[0] === spread[1] && spread[0] === text ? text : `${text} (${spread.join('–')})`;
}

/** Matches cells that are not numbers: their columns are aligned to the left. */
const WORDS = /^(?:\D{3}|\D*$)/;

/** Returns a table. Cells are texts or figures. */
export function table({ head, rows }) {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'object' ? figure(cell) : cell)));
  const line = (row) => `| ${row.join(' | ')} |`;
  const isWords = (at) => cells.every((row) => WORDS.test(row[at]));
  const marks = head.map((_name, at) => (at === 0 || isWords(at) ? '---' : '--:'));
  return [line(head), line(marks), ...cells.map(line)].join('\n');
}

/** Returns one part: heading, notes, the table, and problems. */
export function part({ title, notes = [], table: rows, problems = [] }, level = 1) {
  const paragraphs = [`${'#'.repeat(level)} ${title}`];
  if (notes.length > 0) paragraphs.push(notes.join('\n'));
  if (rows.rows.length > 0) paragraphs.push(table(rows));
  if (problems.length > 0) paragraphs.push(['What went wrong:', '', ...problems.map((text) => `- ${text}`)].join('\n'));
  return paragraphs.join('\n\n');
}
