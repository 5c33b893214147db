// Scripts of micro/ as parts of a run, each in a separate process.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

async function json(program, ...args) {
  const path = fileURLToPath(new URL(`../micro/${program}.mjs`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, '--json', ...args]);
  return JSON.parse(stdout);
}

/** Measures paste files. @see ../run.mjs for the members of the result. */
export async function measurePaste({ quick }) {
  const { rows, refused, refusal } = await json('paste-file', ...(quick ? ['1000'] : []));
  const ms = (value) => value.toFixed(2);
  return {
    name: 'paste',
    title: 'Loading a paste file',
    notes: [
      'Milliseconds of CPU time, medians of nine: parsing, the contexts of one app, and the whole app with its factories,',
      `for a URL map of pipelines over shared filters. A file whose values double ten times over is refused (\`${refusal}\`)`,
      `after ${ms(refused)} ms.`,
    ],
    figures: Object.fromEntries(rows.map((row) => [row.sections, row])),
    table: {
      head: ['sections', 'parse', 'contexts', 'whole app', 'µs a section'],
      rows: rows.map(({ sections, parse, contexts, app, perSection }) => [
        String(sections),
        ms(parse),
        ms(contexts),
        ms(app),
        perSection.toFixed(1),
      ]),
    },
  };
}

/** Measures routing. @see ../run.mjs for the members of the result. */
export async function measureRouting({ quick }) {
  const { rows, build, withPython } = await json('routing', ...(quick ? ['--rounds', '2', '--no-python'] : []));
  const ns = (each) => ({ ...each, digits: 0 });
  return {
    name: 'routing',
    title: 'Lookups of the router',
    notes: [
      "Nanoseconds of one lookup: Portico's table, find-my-way with the same table in its own syntax (which is not always right:",
      `its order is another), and Python's Routes${withPython ? '' : ', left out or not installed here'}. ${build.routes} routes are built in`,
      `${build.median.toFixed(0)} ms, the first time in ${build.first.toFixed(0)} ms.`,
    ],
    figures: Object.fromEntries(rows.map((row) => [`${row.table}, ${row.kind}`, row])),
    table: {
      head: ['table', 'paths', 'Portico', 'find-my-way', 'ratio', 'Routes'],
      rows: rows.map(({ table, kind, ours, theirs, ratio, python }) => [
        table,
        kind,
        ns(ours),
        ns(theirs),
        { ...ratio, digits: 2 },
        python === undefined ? '–' : python.toFixed(0),
      ]),
    },
  };
}
