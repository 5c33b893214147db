/** Units of systemd: words of their lists and command lines, and their directives (systemd.syntax(7)). */

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

/**
 * An assignment of the section `[Unit]`, or of the section of the unit's kind. If it is missing: an empty value, and the line of the
 * section.
 */
export interface Assignment {
  readonly value: string;
  readonly line: number;
}

/** The section `[Unit]`, and the section of the unit's kind. */
export interface Unit {
  /** Returns the effective value of these directives, if several are alternatives: the last assignment. Lists are joined by blanks. */
  last(...names: readonly string[]): Assignment;
}

/** Directives that add to earlier values. */
const LISTS = ['Environment', 'ReadWritePaths', 'ExecStartPre', 'AmbientCapabilities', ...Object.keys(MADE)];

export function parseUnit(text: string, kind = 'Service'): Unit {
  const found = new Map<string, Assignment>();
  let section = '';
  let sectionLine = 1;
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let written = lines[at]!.trim();
    if (/^[#;]/.test(written)) continue;
    while (written.endsWith('\\') && at + 1 < lines.length) written = `${written.slice(0, -1)} ${lines[++at]!.trim()}`;
    const header = /^\[(.+)\]$/.exec(written)?.[1];
    if (header !== undefined) {
      section = header;
      if (section === kind) sectionLine = line;
    }
    const [, name, value] = /^(\w+)\s*=\s*(.*)$/.exec(written) ?? [];
    if (!['Unit', kind].includes(section) || name === undefined) continue;
    const before = LISTS.includes(name) && value !== '' ? (found.get(name)?.value ?? '') : '';
    found.set(name, { value: before === '' ? value! : `${before} ${value}`, line });
  }
  return {
    last: (...names) => {
      const [last] = names.flatMap((name) => found.get(name) ?? []).sort((a, b) => b.line - a.line);
      return last ?? { value: '', line: sectionLine };
    },
  };
}

/** Reports whether a value is a true boolean. */
export const isOn = (value: string): boolean => ['yes', 'true', 'on', '1'].includes(value);

/** Reports whether one of the directives names the directory, or one above it. */
export function isWritable(unit: Unit, directory: string, directives: readonly string[]): boolean {
  const directories = directives.flatMap((directive) => {
    const parent = (MADE as Readonly<Record<string, string>>)[directive];
    return wordsOf(unit.last(directive).value).map((word) =>
      parent === undefined ? word.replace(/^[-+]+/, '') : `${parent}/${word.split(':')[0]!}`,
    );
  });
  return directories.some((each) => directory === each || directory.startsWith(`${each}/`));
}
