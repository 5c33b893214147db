/** Pages of the package that explain what a check has found: of each code, and of the options of its section. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, ignoreErrors, shownPath } from '../errors/index.js';
import { packageOf } from '../modules/index.js';

/** Lines with a file and an anchor each, which an editor or a browser opens; each once. */
export function explainedIn(diagnostics: readonly Diagnostic[]): string[] {
  const reference = join(packageOf(fileURLToPath(import.meta.url))!.folder, 'docs', 'reference');
  // Images are often stripped of Markdown.
  const errors = ignoreErrors(() => readFileSync(join(reference, 'errors.md'), 'utf8'));
  if (errors === undefined) return [];
  // Factories of an application refuse with codes that are the application's.
  const codes = diagnostics
    .map(({ code }) => code.toLowerCase())
    .filter((anchor) => errors.includes(`<a id="${anchor}">`))
    .map((anchor) => `errors.md#${anchor}`);
  const groups = new Set(
    diagnostics.flatMap(({ section, option }) => (option === undefined ? [] : [section ?? 'DEFAULT'])),
  );
  const options = ['options.md', 'filters.md'].flatMap((page) => {
    const text = readFileSync(join(reference, page), 'utf8');
    return [...groups]
      .map((group) => group.replace(/:.*/, ':<name>'))
      .filter((group) => text.includes(`\n## \`[${group}]\`\n`))
      .map((group) => `${page}#${group.replaceAll(/[^\w-]/g, '').toLowerCase()}`);
  });
  return [...new Set([...codes, ...options])].map((anchor) => `  ${join(shownPath(reference), anchor)}`);
}
