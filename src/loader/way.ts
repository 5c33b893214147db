/**
 * Adds the way to an error: the references that led to it, and the place of the `config:` that opened its file.
 */
import { type Trail, wayOf } from './context.js';
import { PasteError } from './paste-error.js';

const PLACED = new WeakSet<Error>();

/** The error as it is thrown from a context on `trail`; the innermost trail counts. Other errors pass unchanged. */
export function withWay(error: unknown, trail: Trail): unknown {
  if (!(error instanceof PasteError) || PLACED.has(error)) return error;
  const reference = trail.reference?.place();
  const origin = error.origin ?? reference?.origin;
  const atReference =
    origin !== undefined && origin.line === reference?.origin?.line && origin.file === reference.origin.file;
  const way =
    error.via.length > 0 && error.origin === undefined ? error.via : wayOf(atReference ? trail.parent : trail);
  const via = [...way, ...(atReference ? (reference?.via ?? []) : [])];
  const included = trail.include?.place().origin;
  const inIncluded = included !== undefined && error.origin?.file !== included.file;
  const hint = inIncluded
    ? `${error.hint ?? ''} Included from ${included.file}:${included.line}.`.trimStart()
    : error.hint;
  const placed = error.with({ origin, hint, via });
  PLACED.add(placed);
  return placed;
}
