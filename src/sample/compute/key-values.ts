/** Keys and values of something else: the extra specs of a flavor, the metadata of a server. */
import { type Call, reads, refuse, writes } from './call.js';
import { keyValues, object } from './parameters.js';

type Values = Record<string, string | number>;

/** Whose they are, and how the resources differ. */
interface KeyValuesOptions {
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

export class KeyValues {
  readonly index;
  readonly show;
  readonly create;
  readonly updateAll;
  readonly update;
  readonly delete;

  constructor({ all, one, types, admin, deleted, read, store }: KeyValuesOptions) {
    const pair = { ...keyValues(...types), minProperties: 1, maxProperties: 1 };
    const [many, single] = [object({ [all]: keyValues(...types) }), one === undefined ? pair : object({ [one]: pair })];
    const taking = (verb: string, schema = many) => ({ ...as(verb), body: { '2.1': schema } });
    const as = (verb: string) => (admin === undefined ? {} : { admin: `${admin}:${verb}` });
    const known = (call: Call): [key: string, values: Values] => {
      const [key, values] = [call.args.id!, read(call)];
      return Object.hasOwn(values, key) ? [key, values] : refuse(404, `There is no key ${key} in ${all}.`);
    };

    this.index = reads({}, (call) => ({ [all]: read(call) }));
    this.show = reads({}, (call) => {
      const [key, values] = known(call);
      return one === undefined ? { [key]: values[key] } : { [one]: { [key]: values[key] } };
    });
    this.create = writes<Record<string, Values>>(taking('create'), (call) => {
      store(call, { ...read(call), ...call.body[all] });
      return one === undefined ? call.body : { [all]: read(call) };
    });
    this.updateAll = writes<Record<string, Values>>(taking('update'), (call) => {
      store(call, call.body[all]!);
      return call.body;
    });
    this.update = writes<Record<string, unknown>>(taking('update', single), (call) => {
      const given = (one === undefined ? call.body : call.body[one]) as Values;
      if (!Object.hasOwn(given, call.args.id!)) refuse(400, 'Request body and URI mismatch');
      store(call, { ...read(call), ...given });
      return call.body;
    });
    this.delete = writes({ ...as('delete'), status: deleted }, (call) => {
      const [key, { ...values }] = known(call);
      delete values[key];
      store(call, values);
    });
  }
}
