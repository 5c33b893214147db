// The table of the six works, and the works in which Portico is slower.

/** A comparison needs several rounds. */
const FEWEST_ROUNDS = 3;

/**
 * Returns microseconds, with a row for each contestant and a column for each work. A star marks figures of fewer rounds than Portico's,
 * which were measured in other minutes.
 */
export function worksTable(parts) {
  const names = new Map();
  for (const { rows } of parts) for (const { name, label } of rows) names.set(name, label);
  const rows = [...names].map(([name, label]) => [label, ...parts.map((work) => cell(work, name))]);
  return { head: ['µs of CPU a request', ...parts.map(({ name }) => heading(name))], rows };
}

function cell({ rows }, name) {
  const row = rows.find((each) => each.name === name);
  if (row === undefined) return '–';
  const text = row.micros.median.toFixed(1);
  if (name === 'portico') return `**${text}**`;
  const own = rows.find((each) => each.name === 'portico');
  return row.micros.count < (own?.micros.count ?? 0) ? `${text} *` : text;
}

function heading(name) {
  return name.replace(/^work(\d)/, 'work $1').replace('-', ', ');
}

/** Returns the contestants that need less time for a work than Portico, with the largest difference first. */
export function lostTo(parts) {
  const lost = parts.flatMap(({ name, rows }) => {
    const own = rows.find((row) => row.name === 'portico');
    return rows
      .filter((row) => row.name !== 'portico' && own?.ratio[row.name]?.median > 1.05)
      .filter((row) => own.ratio[row.name].count >= FEWEST_ROUNDS)
      .map((row) => ({ work: heading(name), label: row.label, filters: row.filters, ratio: own.ratio[row.name] }));
  });
  return lost.toSorted((a, b) => b.ratio.median - a.ratio.median);
}
