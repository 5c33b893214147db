/**
 * What a unit file of systemd says: systemd.syntax(7).
 */

/** An assignment of the section `[Service]`. Without one: an empty value, and the line of the section. */
interface Assignment {
  readonly value: string;
  readonly line: number;
}

/** The section `[Service]` of a unit. */
export interface Unit {
  /** What these directives come to, where several stand for one thing: the last assignment. Lists are joined by blanks. */
  last(...names: readonly string[]): Assignment;
}

/** Directives that add to what stands before. */
const LISTS = ['Environment', 'ReadWritePaths', 'RuntimeDirectory', 'StateDirectory', 'AmbientCapabilities'];

export function parseUnit(text: string): Unit {
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
      if (section === 'Service') sectionLine = line;
    }
    const [, name, value] = /^(\w+)\s*=\s*(.*)$/.exec(written) ?? [];
    if (section !== 'Service' || name === undefined) continue;
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
