// The six works side by side, and where Portico is behind.

/** A comparison needs more rounds than one. */
const FEWEST_ROUNDS = 3;

/**
 * One row for each contestant, one column for each work: microseconds. A star is behind those of fewer rounds than
 * Portico's, which other rows' minutes decided.
 */
export function worksTable(parts) {
  const names = new Map();
  for (const { rows } of parts) for (const { name, label } of rows) names.set(name, label);
  const rows = [...names].map(([name, label]) => [label, ...parts.map((work) => cell(work, name))]);
  return { head: ['µs of processor a request', ...parts.map(({ name }) => heading(name))], rows };
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

/** Everything that does a work for less than Portico, worst first. */
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
