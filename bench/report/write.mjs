// Writes the results of a run: a page for each part, charts, and the part of README.md that a full run renews.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { barChart } from './bar-chart.mjs';
import { describeMachine } from './machine.mjs';
import { part, table } from './markdown.mjs';
import { targetTable } from './targets.mjs';
import { lostTo, worksTable } from './works-table.mjs';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BEGIN = '<!-- written by npm run bench: begin -->';
const END = '<!-- written by npm run bench: end -->';

/** Writes pages and charts into `folder` and, with `readme`, the summary into README.md. Returns the summary. */
export function writeResults({ works, others, failures, machine, run, folder, readme }) {
  mkdirSync(folder, { recursive: true });
  const write = (name, text) => writeFileSync(`${folder}/${name}`, text.endsWith('\n') ? text : `${text}\n`);
  const about = describeMachine(machine, run);
  if (works.length > 0) {
    const notes = '\nWhat the works are and how they are measured: [README](../README.md).';
    const pages = works.map((work) => part(work, 2));
    write('works.md', ['# The six works', about + notes, ...pages].join('\n\n'));
    write('works.svg', barChart(works.map(({ chartTitle, bars }) => ({ title: chartTitle, bars }))));
  }
  for (const other of others) {
    write(`${other.name}.md`, [part(other), about].join('\n\n'));
    if (other.bars !== undefined) {
      write(`${other.name}.svg`, barChart([{ title: other.title, bars: other.bars }], { columns: 1, digits: 2 }));
    }
  }
  const summary = summaryOf({ works, others, failures, about });
  write('summary.md', `# Summary\n\n${summary}`);
  if (readme) renewReadme(summary);
  return summary;
}

function summaryOf({ works, others, failures, about }) {
  const figures = Object.fromEntries([...works, ...others].map(({ name, figures: found }) => [name, found]));
  const blocks = [about];
  if (works.length > 0) {
    const side = worksTable(works);
    blocks.push(table(side));
    if (side.rows.some((row) => row.some((cell) => cell.endsWith(' *')))) {
      blocks.push(
        'With a star: measured in fewer rounds than Portico, see works.md, and not to be compared to a percent.',
      );
    }
  }
  const targets = targetTable(figures);
  if (targets.rows.length > 0) {
    blocks.push('What we ask of ourselves, and whether this run met it; "What we lose at" has the reasons:');
    blocks.push(table(targets));
  }
  const lost = lostTo(works);
  if (lost.length > 0) {
    blocks.push('Cheaper than Portico by more than 5 % in three rounds or more, by how many times:');
    blocks.push(table({ head: ['who', 'at', 'times'], rows: lost.map(lostRow) }));
  }
  const problems = [...failures, ...[...works, ...others].flatMap(({ problems: found = [] }) => found)];
  if (problems.length > 0)
    blocks.push(['Absent, or not measured:', '', ...problems.map((text) => `- ${text}`)].join('\n'));
  return blocks.join('\n\n');
}

function lostRow({ work, label, filters, ratio }) {
  const which = work.startsWith('work 2') || work.startsWith('work 3') ? (filters ? '' : ', without the filters') : '';
  return [`${label}${which}`, work, { ...ratio, digits: 2 }];
}

function renewReadme(summary) {
  const text = readFileSync(README, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < 0) throw new Error(`${README} has no place for the results`);
  writeFileSync(README, `${text.slice(0, begin)}${BEGIN}\n\n${summary}\n\n${text.slice(end)}`);
}
