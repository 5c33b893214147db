/** Parts of a README about lines of a service's files: each with its location, and what to do. */
import { type Diagnostic, messageWithValue, type Origin } from '../../errors/index.js';
import { maskUris, printable } from '../../text/index.js';

/** Returns a section of the README; empty without findings. `shown`: returns a file as the README names it. */
export function findingsPart(title: string, findings: readonly Diagnostic[], shown: (file: string) => string): string {
  if (findings.length === 0) return '';
  const lines = findings.map((each) => {
    const { location, section, option, hint = '' } = each;
    const names = [section === undefined ? '' : `[${section}] `, option === undefined ? '' : `${option}: `].join('');
    const text = `${placeIn(location?.origin, shown)}${names}${messageWithValue(each)}`;
    return `- \`${printable(maskUris(text)).replaceAll('`', "'").replace(/\.$/, '')}\`. ${printable(maskUris(hint))}`.trimEnd();
  });
  return `## ${title}\n\n${lines.join('\n')}\n\n`;
}

function placeIn(origin: Origin | undefined, shown: (file: string) => string): string {
  return origin === undefined ? '' : `${shown(origin.file)}:${origin.line}:${origin.column}: `;
}
