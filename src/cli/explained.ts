/** Pages of the package that explain what a check has found: of each code, and of the options of its section. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, ignoreErrors, shownPath } from '../errors/index.js';
import { errorPages, referenceFolder } from '../modules/index.js';

/** Paths with an anchor each, which an editor or a browser opens; each once. */
export function pagesOf(diagnostics: readonly Diagnostic[]): string[] {
  const groups = new Set(
    diagnostics.flatMap(({ section, option }) =>
      option === undefined ? [] : [(section ?? 'DEFAULT').replace(/:.*/, ':<name>')],
    ),
  );
  const options = ['options.md', 'filters.md'].flatMap((name) => {
    const page = join(referenceFolder(), name);
    const text = ignoreErrors(() => readFileSync(page, 'utf8'));
    return [...groups]
      .filter((group) => text?.includes(`\n## \`[${group}]\`\n`))
      .map((group) => `${shownPath(page)}#${group.replaceAll(/[^\w-]/g, '').toLowerCase()}`);
  });
  return [...new Set([...errorPages(diagnostics), ...options])];
}
