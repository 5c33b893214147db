/**
 * Keys and values that belong to something else: the metadata of a server, the extra specs of a flavor.
 */
import { Fault, quoteClient } from '../app/index.js';
import { type Action, action } from './action.js';
import type { ActionRequest } from './action-request.js';
import type { JsonSchema } from './json-schema.js';
import { keyValuePairs, object } from './schema-words.js';

/** Keys with their values. */
export type KeyValues = Readonly<Record<string, string | number>>;

/** What an action of such a resource is declared with. */
export interface KeyValueActionOptions {
  readonly body?: JsonSchema;
  readonly status?: number;
}

/** Makes an action of options and handler; `verb` is for the names of policies: `create`, `update`, `delete`. */
export type MakeKeyValueAction<R> = (
  options: KeyValueActionOptions,
  handler: (request: R) => unknown,
  verb: string,
) => Action;

/** Whose they are, and how such resources differ. */
export interface KeyValueOptions<R extends KeyValueRequest = ActionRequest> {
  /** The member that holds all of them: `metadata`. */
  readonly all: string;
  /** The member that holds one pair: `meta`. Default: the pair is the body. */
  readonly one?: string;
  /** The types of values, as JSON Schema names them. Default: `['string']`. */
  readonly types?: readonly string[];
  /** The status of a deletion. Default 204. */
  readonly deleted?: number;
  /** The variable of the path that is the key. Default `id`. */
  readonly key?: string;
  /** All of them. Throws a `Fault` where what they belong to is not there. */
  readonly read: (request: R) => KeyValues;
  /** Keeps these and no others, or refuses by a `Fault`. */
  readonly store: (request: R, values: KeyValues) => void;
  /** Makes the actions that only look. Default: `action`. */
  readonly looks?: MakeKeyValueAction<R>;
  /** Makes those that change something: in one transaction, for those who may. Default: `action`. */
  readonly changes?: MakeKeyValueAction<R>;
}

/** Any `ActionRequest`, whatever its path variables and query. */
export type KeyValueRequest = Pick<ActionRequest, 'params' | 'body'>;

/** The actions of a key-value resource. */
export type KeyValueActions = Readonly<Record<'index' | 'show' | 'create' | 'updateAll' | 'update' | 'delete', Action>>;

/**
 * The controller of such a resource: `index` all, `show` one; `create` adds, `updateAll` replaces, `update` sets one,
 * `delete` removes one. 404 for an unknown key, 400 where the key of the body is not that of the path.
 */
export function keyValueActions<R extends KeyValueRequest = ActionRequest>(
  options: KeyValueOptions<R>,
): KeyValueActions {
  const { all, one, types = ['string'], deleted = 204, key = 'id', read, store } = options;
  const { looks = plain, changes = plain } = options;
  const pair = { ...keyValuePairs(...types), minProperties: 1, maxProperties: 1 };
  const many = { body: object({ [all]: keyValuePairs(...types) }) };
  const single = { body: one === undefined ? pair : object({ [one]: pair }) };
  const keyOf = ({ params }: R): string => String((params as Record<string, unknown>)[key]);
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

function plain<R>(options: KeyValueActionOptions, handler: (request: R) => unknown): Action {
  return action(options, (request) => handler(request as R));
}
