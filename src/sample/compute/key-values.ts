/** Keys and values of something else: the extra specs of a flavor, the metadata of a server. */
import { keyValuePairs, object } from 'portico/routing';
import { type Call, reads, refuse, writes } from './call.js';

type Values = Record<string, string | number>;

/** Whose they are, and how the resources differ. */
interface KeyValues {
  /** The member that holds all of them; and the one that holds one pair, without which the pair is the body. */
  readonly all: string;
  readonly one?: string;
  readonly types: string[];
  /** The policy, where administrators only change them. */
  readonly admin?: string;
  readonly deleted: number;
  readonly read: (call: Call) => Values;
  /** Keeps them, or refuses what may not be. */
  readonly store: (call: Call, values: Values) => void;
}

/** The controller: all of them, added to and replaced; and each by its key. */
export function keyValues({ all, one, types, admin, deleted, read, store }: KeyValues) {
  const pair = { ...keyValuePairs(...types), minProperties: 1, maxProperties: 1 };
  const many = { body: object({ [all]: keyValuePairs(...types) }) };
  const single = { body: one === undefined ? pair : object({ [one]: pair }) };
  const policy = (verb: string) => (admin === undefined ? {} : { admin: `${admin}:${verb}` });
  const known = (call: Call): [key: string, values: Values] => {
    const [key, values] = [call.params.id!, read(call)];
    return Object.hasOwn(values, key) ? [key, values] : refuse(404, `There is no key ${key} in ${all}.`);
  };
  return {
    index: reads({}, (call) => ({ [all]: read(call) })),
    show: reads({}, (call) => {
      const [key, values] = known(call);
      return one === undefined ? { [key]: values[key] } : { [one]: { [key]: values[key] } };
    }),
    create: writes<Record<string, Values>>({ ...policy('create'), ...many }, (call) => {
      store(call, { ...read(call), ...call.body[all] });
      return one === undefined ? call.body : { [all]: read(call) };
    }),
    updateAll: writes<Record<string, Values>>({ ...policy('update'), ...many }, (call) => {
      store(call, call.body[all]!);
      return call.body;
    }),
    update: writes<Record<string, unknown>>({ ...policy('update'), ...single }, (call) => {
      const given = (one === undefined ? call.body : call.body[one]) as Values;
      if (!Object.hasOwn(given, call.params.id!)) refuse(400, 'Request body and URI mismatch');
      store(call, { ...read(call), ...given });
      return call.body;
    }),
    delete: writes({ ...policy('delete'), status: deleted }, (call) => {
      const [key, { ...values }] = known(call);
      delete values[key];
      store(call, values);
    }),
  };
}
