/** What the files of a service say and a new project cannot have: warnings for the output, and lines of its README. */
import { type Diagnostic, messageWithValue, type Origin } from '../../errors/index.js';
import { maskUris, printable } from '../../text/index.js';

/** Returns a section of the README; empty without warnings. `shown`: returns a file as the README names it. */
export function notUnderstood(warnings: readonly Diagnostic[], shown: (file: string) => string): string {
  if (warnings.length === 0) return '';
  const lines = warnings.map((each) => {
    const { location, section, option, hint = '' } = each;
    const names = [section === undefined ? [] : `[${section}]`, option ?? []].flat().join(' ');
    const text = `${placeIn(location?.origin, shown)}${names}${names === '' ? '' : ': '}${messageWithValue(each)}`;
    return `- \`${printable(maskUris(text)).replaceAll('`', "'").replace(/\.$/, '')}\`. ${printable(maskUris(hint))}`.trimEnd();
  });
  return `## Not understood\n\n${lines.join('\n')}\n\n`;
}

function placeIn(origin: Origin | undefined, shown: (file: string) => string): string {
  return origin === undefined ? '' : `${shown(origin.file)}:${origin.line}:${origin.column}: `;
}
