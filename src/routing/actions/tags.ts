/**
 * Tags: words that clients put on something, as the API-SIG's guideline on tags has them.
 */
import { Fault, quoteClient } from '../../app/index.js';
import type { Action } from './action.js';
import type { ActionRequest } from './action-request.js';
import { Reply } from './reply.js';
import { listOf, object, text } from './schema-words.js';
import { type SubResourceOptions, type SubResourceRequest, subResource } from './sub-resource.js';

/** Whose tags, and how many. */
export interface TagOptions<R extends SubResourceRequest = ActionRequest> extends SubResourceOptions<R> {
  /** The most that one thing has. Default 50. */
  readonly maxItems?: number;
  /** The longest tag, in characters. Default 60. */
  readonly maxLength?: number;
  /** Those there are. Throws a `Fault` where what they are on is not there. */
  readonly read: (request: R) => readonly string[];
  /** Keeps these and no others. */
  readonly store: (request: R, tags: readonly string[]) => void;
}

/** The actions of a resource's tags. */
export type TagActions = Readonly<Record<'index' | 'updateAll' | 'deleteAll' | 'show' | 'update' | 'delete', Action>>;

/**
 * The controller of tags: all of them shown, replaced and removed; one looked for (204 or 404), added (201 with its
 * `Location`, 204 where it was there) and removed. A tag has no `/` and no `,`.
 */
export function tagActions<R extends SubResourceRequest = ActionRequest>(options: TagOptions<R>): TagActions {
  const { maxItems = 50, maxLength = 60, read, store } = options;
  const { looks, changes, keyOf } = subResource(options);
  // By characters, as the schema of the whole list counts.
  const allowed = new RegExp(`^[^,/]{1,${maxLength}}$`, 'u');
  const many = object({ tags: listOf(text({ maxLength, pattern: '^[^,/]+$' }), { maxItems }) });
  const known = (request: R): readonly string[] => {
    const tags = read(request);
    if (tags.includes(keyOf(request))) return tags;
    throw new Fault(404, { message: `There is no tag '${quoteClient(keyOf(request))}'.` });
  };
  const updateAll = (request: R): unknown => {
    const tags = [...new Set((request.body as { tags: string[] }).tags)];
    store(request, tags);
    return { tags };
  };
  const update = (request: R): Reply => {
    const [tags, tag] = [read(request), keyOf(request)];
    if (tags.includes(tag)) return new Reply(null, { status: 204 });
    if (!allowed.test(tag) || tags.length >= maxItems) {
      throw new Fault(400, { message: `The tag ${quoteClient(tag)} cannot be added.` });
    }
    store(request, [...tags, tag]);
    return new Reply(null, { status: 201, headers: { Location: request.url() } });
  };
  return {
    index: looks({}, (request) => ({ tags: read(request) }), 'index'),
    show: looks({ status: 204 }, (request) => void known(request), 'show'),
    updateAll: changes({ body: many }, updateAll, 'update'),
    update: changes({}, update, 'update'),
    deleteAll: changes({ status: 204 }, (request) => store(request, []), 'delete'),
    delete: changes(
      { status: 204 },
      (request) =>
        store(
          request,
          known(request).filter((tag) => tag !== keyOf(request)),
        ),
      'delete',
    ),
  };
}

/**
 * Filters of lists by tags, for `queryFilters`: `tags=a,b` has all of them, `tags-any` one of them; `not-tags` not all,
 * `not-tags-any` none.
 */
export function tagFilters<T>(tagsOf: (item: T) => readonly string[]) {
  const all = (text: string) => (item: T) => text.split(',').every((tag) => tagsOf(item).includes(tag));
  const any = (text: string) => (item: T) => text.split(',').some((tag) => tagsOf(item).includes(tag));
  const not = (filter: typeof all) => (text: string) => (item: T) => !filter(text)(item);
  return { tags: all, 'tags-any': any, 'not-tags': not(all), 'not-tags-any': not(any) };
}
