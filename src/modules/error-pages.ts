/** Pages of the package that explain errors: the row of each code in docs/reference/errors.md, and the options of its section. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, describeError, ignoreErrors, PorticoError, shownPath } from '../errors/index.js';
import { packageOf } from './packages.js';

/** Returns the folder of the reference pages. */
export const referenceFolder = (): string =>
  join(packageOf(fileURLToPath(import.meta.url))!.folder, 'docs', 'reference');

/** Returns the row of each code as a path with an anchor, each once, causes first. Codes of an application are omitted. */
export function errorPages(errors: readonly Pick<Diagnostic, 'code' | 'causes'>[]): string[] {
  const file = join(referenceFolder(), 'errors.md');
  // Container images often omit Markdown files.
  const text = errors.length === 0 ? undefined : ignoreErrors(() => readFileSync(file, 'utf8'));
  const anchors = new Set(
    errors.flatMap(({ code, causes = [] }) => [...causes, code].map((each) => each.toLowerCase())),
  );
  return [...anchors].filter((id) => text?.includes(`<a id="${id}">`)).map((id) => `${shownPath(file)}#${id}`);
}

/** Returns the pages of diagnostics: of their codes, and of the options of their sections. */
export function pagesOf(diagnostics: readonly Diagnostic[]): string[] {
  return [...new Set([...errorPages(diagnostics), ...optionPages(diagnostics)])];
}

function optionPages(diagnostics: readonly Diagnostic[]): string[] {
  const groups = new Set(
    diagnostics.flatMap(({ section, option }) =>
      option === undefined ? [] : [(section ?? 'DEFAULT').replace(/:.*/, ':<name>')],
    ),
  );
  if (groups.size === 0) return [];
  const filters = ignoreErrors(() => readdirSync(join(referenceFolder(), 'filters'))) ?? [];
  return ['options.md', ...filters.map((name) => join('filters', name))].flatMap((name) => {
    const page = join(referenceFolder(), name);
    const text = ignoreErrors(() => readFileSync(page, 'utf8'));
    return [...groups]
      .filter((group) => text?.includes(`\n## \`[${group}]\`\n`))
      .map((group) => `${shownPath(page)}#${group.replaceAll(/[^\w-]/g, '').toLowerCase()}`);
  });
}

/** Returns the pages of an error; none unless it is a `PorticoError`. */
export function pagesOfError(error: unknown): string[] {
  return error instanceof PorticoError ? pagesOf(error.diagnostics) : [];
}

/** Returns lines of text that list these pages; none without pages. */
export function explainedIn(pages: readonly string[]): string[] {
  return pages.length === 0 ? [] : ['Explained in:', ...pages.map((page) => `  ${page}`)];
}

/** Returns the text for an operator of an error that ends a start or a command, with the pages of its codes. */
export function explainedError(error: unknown): string {
  return [describeError(error), ...explainedIn(pagesOfError(error))].join('\n');
}
