/**
 * What controllers of parts of something else are made with: its metadata, its tags.
 */
import { type Action, type ActionOptions, action } from './action.js';
import type { ActionRequest } from './action-request.js';

/** Any `ActionRequest`, whatever its path variables and query. */
export type SubResourceRequest = Pick<ActionRequest, 'params' | 'body' | 'url'>;

/** Makes an action of options and handler; `verb` is for the names of policies: `index`, `create`, `update`, `delete`. */
export type MakeAction<R> = (
  options: Pick<ActionOptions, 'body' | 'status'>,
  handler: (request: R) => unknown,
  verb: string,
) => Action;

/** How the actions of a part are made. */
export interface SubResourceOptions<R> {
  /** The variable of the path that names one of them. Default `id`. */
  readonly key?: string;
  /** Makes the actions that only look. Default: `action`. */
  readonly looks?: MakeAction<R>;
  /** Makes those that change something: in one transaction, for those who may. Default: `action`. */
  readonly changes?: MakeAction<R>;
}

/** The options with their defaults, and what the path names. */
export function subResource<R extends SubResourceRequest>({
  key = 'id',
  looks = plainAction,
  changes = plainAction,
}: SubResourceOptions<R>) {
  const keyOf = ({ params }: R): string => String((params as Record<string, unknown>)[key]);
  return { looks, changes, keyOf };
}

function plainAction<R>(options: Parameters<MakeAction<R>>[0], handler: (request: R) => unknown): Action {
  return action(options, (request) => handler(request as R));
}
