/**
 * Writes service configuration so that it is read back unchanged, and rewrites it with current names.
 */

import { createRequire } from 'node:module';
import { withCode } from '../../errors/index.js';
import { type ConfEntry, readConf } from '../../ini/index.js';
import type { Registration } from '../types/describe-options.js';
import { entryOf } from '../types/option.js';
import { DeclaredGroups, type DeclaredOption } from '../values/declared-groups.js';

/** Loaded with the first option that is written: a server only reads. */
function loadIni(): typeof import('ini') {
  return createRequire(import.meta.url)('ini') as typeof import('ini');
}

/**
 * Returns `name = value`, quoted and continued if needed, without a newline at the end. The `ini` package writes it if our reader returns
 * the same value, because its own reader has comments and escapes that service configuration does not have.
 */
export function writeOption(name: string, value: string): string {
  const plain = loadIni()
    .stringify({ [name]: value }, { whitespace: true })
    .trimEnd();
  const candidates = [plain, `${name} = ${value}`, `${name} = "${value}"`, `${name} = '${value}'`];
  // Lines after the first are indented, and an empty one would end the value.
  const written = candidates.map((text) => text.replaceAll('\n', '\n\t')).find((text) => reads(text, name, value));
  if (written === undefined)
    throw withCode(
      new RangeError(`option ${name}: no way to write this value: ${JSON.stringify(value)}`),
      'PORTICO_OPTION_DECLARATION',
    );
  return written;
}

function reads(text: string, name: string, value: string): boolean {
  const { entries, problems } = readConf('', `[section]\n${text}\n`);
  return problems.length === 0 && entries.length === 1 && entries[0]?.name === name && entries[0].value === value;
}

/**
 * Replaces deprecated names; keeps comments, order and everything else. An option whose new place is another section moves to the end of
 * it. `renamed`: the replaced names, with their lines. `removed`: options of the last version, which stay, each with what holds in place of its
 * value.
 */
export function upgradeText(text: string, registrations: Iterable<Registration>) {
  const groups = new DeclaredGroups();
  for (const { group, options } of registrations) groups.declare(group, options);
  const file = readConf('', text);
  const { entries } = file;
  groups.instantiate({ files: [file], arguments: [] });
  const lines = text.split('\n');
  const renamed: { readonly line: number; readonly from: string; readonly to: string }[] = [];
  const removed: { readonly line: number; readonly name: string; readonly holds: string }[] = [];
  const moved = new Map<string, string[]>();
  for (const entry of entries) {
    const target = groups.find(entry.section, entry.name);
    const name = `[${entry.section}] ${entry.name}`;
    const holds = target === undefined ? holdsInPlaceOf(groups, entry) : undefined;
    if (holds !== undefined) removed.push({ line: entry.origin.line, name, holds });
    if (target === undefined || !isDeprecated(target, entry)) continue;
    const first = entry.origin.line - 1;
    renamed.push({ line: first + 1, from: name, to: `[${target.group}] ${target.opt}` });
    const renewed = lines.slice(first, first + entry.pieces.length);
    renewed[0] = (renewed[0] ?? '').replace(/^[^:=]*?(?=\s*[:=])/, target.opt);
    if (target.group === entry.section) lines.splice(first, renewed.length, ...renewed);
    else {
      moved.set(target.group, [...(moved.get(target.group) ?? []), ...renewed]);
      // Emptied now and removed at the end, so that the lines of later entries keep their numbers.
      for (let at = first; at < first + renewed.length; at++) lines[at] = gone;
    }
  }
  for (const [group, added] of moved) appendToSection(lines, group, added);
  return { text: lines.filter((line) => line !== gone).join('\n'), renamed, removed };
}

/** No line of a file can contain a line feed. */
const gone = '\n';

/** Returns what holds in place of the value of an option of the last version; undefined for other names. */
function holdsInPlaceOf(groups: DeclaredGroups, { section, name }: ConfEntry): string | undefined {
  return entryOf(groups.elsewhereOf(section, name)?.removed, name);
}

function isDeprecated(target: DeclaredOption, entry: ConfEntry): boolean {
  return target.spellings.some(
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
