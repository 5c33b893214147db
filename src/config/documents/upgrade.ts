/**
 * Rewriting a file with the names of today. Comments, order and everything else stay.
 */
import { type ConfEntry, readConf } from '../../ini/index.js';
import { DeclaredGroups } from '../values/declared-groups.js';
import type { Registration } from './describe-options.js';

/** One name that was replaced. */
export interface Renaming {
  readonly line: number;
  readonly from: string;
  readonly to: string;
}

/** A file rewritten. */
export interface Upgrade {
  readonly text: string;
  readonly renamed: readonly Renaming[];
}

/** Replaces deprecated names; an option whose new home is another section moves to the end of it. */
export function upgradeText(text: string, registrations: Iterable<Registration>): Upgrade {
  const groups = new DeclaredGroups();
  for (const { group, options } of registrations) groups.declare(group, options);
  const file = readConf('', text);
  const { entries } = file;
  groups.instantiate({ files: [file], arguments: [] });
  const lines = text.split('\n');
  const renamed: Renaming[] = [];
  const moved = new Map<string, string[]>();
  for (const entry of entries) {
    const target = groups.find(entry.section, entry.name);
    if (target === undefined || !isDeprecated(groups, target, entry)) continue;
    const first = entry.origin.line - 1;
    renamed.push({ line: first + 1, from: `[${entry.section}] ${entry.name}`, to: `[${target.group}] ${target.opt}` });
    const renewed = lines.slice(first, first + entry.pieces.length);
    renewed[0] = (renewed[0] ?? '').replace(/^[^:=]*?(?=\s*[:=])/, target.opt);
    if (target.group === entry.section) lines.splice(first, renewed.length, ...renewed);
    else {
      moved.set(target.group, [...(moved.get(target.group) ?? []), ...renewed]);
      // Emptied now and taken out at the end, so that the lines of later entries keep their numbers.
      for (let at = first; at < first + renewed.length; at++) lines[at] = gone;
    }
  }
  for (const [group, added] of moved) appendToSection(lines, group, added);
  return { text: lines.filter((line) => line !== gone).join('\n'), renamed };
}

/** No line of a file can hold a line feed. */
const gone = '\n';

function isDeprecated(groups: DeclaredGroups, target: { group: string; opt: string }, entry: ConfEntry): boolean {
  const spellings = groups.spellings(target.group, target.opt);
  return spellings.some(
    ({ group, opt, kind }) => kind === 'deprecated' && group === entry.section && opt === entry.name,
  );
}

function appendToSection(lines: string[], group: string, added: readonly string[]): void {
  const { sections } = readConf('', lines.map((line) => (line === gone ? '' : line)).join('\n'));
  const last = sections.findLastIndex(({ name }) => name === group);
  if (last < 0) {
    while (lines.at(-1) === '') lines.pop();
    lines.push('', `[${group}]`, ...added, '');
    return;
  }
  let end = (sections[last + 1]?.origin.line ?? lines.length + 1) - 1;
  while (end > 0 && (lines[end - 1] ?? '').trim() === '') end--;
  lines.splice(end, 0, ...added);
}
