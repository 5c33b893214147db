/**
 * The refusal of a body or a query, in one form whatever has checked it.
 */
import { Fault } from '../../app/index.js';
import type { RefusedValue } from '../../app/internal.js';

/** Which part of a request is checked. */
export type InputPart = 'body' | 'query';

/** The first error only, as nova has it: the field, what the schema wanted, and the value. */
export function refusalOf(part: InputPart, refused: RefusedValue | undefined): Fault {
  if (refused === undefined) return new Fault(400);
  const { path, wanted, shown } = refused;
  const whole = part === 'query' ? 'query parameter' : 'the body';
  const subject = path === '' ? whole : part === 'query' ? `${whole} ${path}` : path;
  const tail = shown === undefined ? '' : ` Value: ${shown}.`;
  return new Fault(400, { message: `Invalid input for ${subject}: ${wanted}.${tail}` });
}
