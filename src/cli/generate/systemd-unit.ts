/** Units of systemd: words of their lists and command lines, and their directives (systemd.syntax(7)). */
import { type Entry, lastOf, linesOf } from './compare.js';

/** Directories that systemd creates, owned by the user of the service, by directive. */
export const MADE = {
  RuntimeDirectory: '/run',
  StateDirectory: '/var/lib',
  LogsDirectory: '/var/log',
  CacheDirectory: '/var/cache',
} as const;

/** Escapes the specifiers in a text. */
export const plain = (text: string): string => text.replaceAll('%', '%%');

/** Returns a word of a list in systemd's syntax. */
export function listed(word: string): string {
  const text = plain(word);
  return /[\s"'\\;]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

/** Returns a word of a command line, with escaped variables. */
export const quoted = (word: string): string => listed(word.replaceAll('$', '$$$$'));

/** Splits a list or a command line into words. */
export function wordsOf(value: string): string[] {
  return [...value.matchAll(/"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|\S+/g)].map(([word, double, single]) =>
    (double ?? single ?? word).replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$'),
  );
}

/** Directives that add to earlier values. */
const LISTS = ['Environment', 'ReadWritePaths', 'ExecStartPre', 'AmbientCapabilities', ...Object.keys(MADE)];

/** Returns the reader of units of a kind: the last assignment of each directive of `[Unit]` and of the section of the kind. */
export const unitReader =
  (kind: string) =>
  (text: string): readonly Entry[] => {
    const found = new Map<string, Entry>([['', { key: '', value: '', line: 1 }]]);
    let section = '';
    for (const { written, line } of linesOf(text, /^[#;]/)) {
      section = /^\[(.+)\]$/.exec(written)?.[1] ?? section;
      if (written === `[${kind}]`) found.set('', { key: '', value: '', line });
      const [, name, value = ''] = /^(\w+)\s*=\s*(.*)$/.exec(written) ?? [];
      if (!['Unit', kind].includes(section) || name === undefined) continue;
      const key = name === 'TimeoutSec' ? 'TimeoutStopSec' : name;
      const before = LISTS.includes(key) && value !== '' ? (found.get(key)?.value ?? '') : '';
      found.set(key, { key, value: `${before} ${value}`.trim(), line });
    }
    return [...found.values()];
  };

/** Reports whether a value is a true boolean. */
export const isOn = (value: string): boolean => ['yes', 'true', 'on', '1'].includes(value);

/** Reports whether one of the directives names the directory, or one above it. */
export function isWritable(unit: readonly Entry[], directory: string, directives: readonly string[]): boolean {
  const directories = directives.flatMap((directive) => {
    const parent = (MADE as Readonly<Record<string, string>>)[directive];
    return wordsOf(lastOf(unit, directive)).map((word) =>
      parent === undefined ? word.replace(/^[-+]+/, '') : `${parent}/${word.split(':')[0]!}`,
    );
  });
  return directories.some((each) => directory === each || directory.startsWith(`${each}/`));
}
