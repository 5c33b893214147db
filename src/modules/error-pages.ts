/** Rows of docs/reference/errors.md, which ship with the package, for the codes of errors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, describeError, ignoreErrors, PorticoError, shownPath } from '../errors/index.js';
import { packageOf } from './packages.js';

/** The folder of the reference pages. */
export const referenceFolder = (): string =>
  join(packageOf(fileURLToPath(import.meta.url))!.folder, 'docs', 'reference');

/** The row of each code as a path with an anchor, each once, causes first. A code of an application has none. */
export function errorPages(errors: readonly Pick<Diagnostic, 'code' | 'causes'>[]): string[] {
  const file = join(referenceFolder(), 'errors.md');
  // Images are often stripped of Markdown.
  const text = errors.length === 0 ? undefined : ignoreErrors(() => readFileSync(file, 'utf8'));
  const anchors = new Set(
    errors.flatMap(({ code, causes = [] }) => [...causes, code].map((each) => each.toLowerCase())),
  );
  return [...anchors].filter((id) => text?.includes(`<a id="${id}">`)).map((id) => `${shownPath(file)}#${id}`);
}

/** The pages of the codes of an error; none where it is no `PorticoError`. */
export function pagesOfError(error: unknown): string[] {
  return error instanceof PorticoError ? errorPages(error.diagnostics) : [];
}

/** Lines of a text for people that name these pages; none where there are none. */
export function explainedIn(pages: readonly string[]): string[] {
  return pages.length === 0 ? [] : ['Explained in:', ...pages.map((page) => `  ${page}`)];
}

/** The text for an operator of an error that ends a start or a command, with the pages of its codes. */
export function explainedError(error: unknown): string {
  return [describeError(error), ...explainedIn(pagesOfError(error))].join('\n');
}
