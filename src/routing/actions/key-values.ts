/**
 * Keys and values that belong to something else: the metadata of a server, the extra specs of a flavor.
 */
import { Fault, quoteClient } from '../../app/index.js';
import type { Action } from './action.js';
import type { ActionRequest } from './action-request.js';
import { keyValuePairs, object } from './schema-words.js';
import { type SubResourceOptions, type SubResourceRequest, subResource } from './sub-resource.js';

/** Keys with their values. */
export type KeyValues = Readonly<Record<string, string | number>>;

/** Whose they are, and how such resources differ. */
export interface KeyValueOptions<R extends SubResourceRequest = ActionRequest> extends SubResourceOptions<R> {
  /** The member that holds all of them: `metadata`. */
  readonly all: string;
  /** The member that holds one pair: `meta`. Default: the pair is the body. */
  readonly one?: string;
  /** The types of values, as JSON Schema names them. Default: `['string']`. */
  readonly types?: readonly string[];
  /** The status of a deletion. Default 204. */
  readonly deleted?: number;
  /** All of them. Throws a `Fault` where what they belong to is not there. */
  readonly read: (request: R) => KeyValues;
  /** Keeps these and no others, or refuses by a `Fault`. */
  readonly store: (request: R, values: KeyValues) => void;
}

/** The actions of a key-value resource. */
export type KeyValueActions = Readonly<Record<'index' | 'show' | 'create' | 'updateAll' | 'update' | 'delete', Action>>;

/**
 * The controller of such a resource: `index` all, `show` one; `create` adds, `updateAll` replaces, `update` sets one,
 * `delete` removes one. 404 for an unknown key, 400 where the key of the body is not that of the path.
 */
export function keyValueActions<R extends SubResourceRequest = ActionRequest>(
  options: KeyValueOptions<R>,
): KeyValueActions {
  const { all, one, types = ['string'], deleted = 204, read, store } = options;
  const { looks, changes, keyOf } = subResource(options);
  const pair = { ...keyValuePairs(...types), minProperties: 1, maxProperties: 1 };
  const many = { body: object({ [all]: keyValuePairs(...types) }) };
  const single = { body: one === undefined ? pair : object({ [one]: pair }) };
  const given = ({ body }: R, member: string | undefined): KeyValues =>
    (member === undefined ? body : (body as Record<string, unknown>)[member]) as KeyValues;
  const known = (request: R): KeyValues => {
    const values = read(request);
    if (Object.hasOwn(values, keyOf(request))) return values;
    throw new Fault(404, { message: `There is no key ${quoteClient(keyOf(request))} in ${all}.` });
  };
  return {
    index: looks({}, (request) => ({ [all]: read(request) }), 'index'),
    show: looks(
      {},
      (request) => {
        const found = { [keyOf(request)]: known(request)[keyOf(request)] };
        return one === undefined ? found : { [one]: found };
      },
      'show',
    ),
    create: changes(
      many,
      (request) => {
        store(request, { ...read(request), ...given(request, all) });
        return one === undefined ? request.body : { [all]: read(request) };
      },
      'create',
    ),
    updateAll: changes(
      many,
      (request) => {
        store(request, given(request, all));
        return request.body;
      },
      'update',
    ),
    update: changes(
      single,
      (request) => {
        const values = given(request, one);
        if (!Object.hasOwn(values, keyOf(request))) throw new Fault(400, { message: 'Request body and URI mismatch' });
        store(request, { ...read(request), ...values });
        return request.body;
      },
      'update',
    ),
    delete: changes(
      { status: deleted },
      (request) => {
        const { [keyOf(request)]: _, ...left } = known(request);
        store(request, left);
      },
      'delete',
    ),
  };
}
