/** Keys and values of something else: the extra specs of a flavor, the metadata of a server. */
import { type Call, reads, refuse, writes } from './call.js';
import { keyValues, object } from './parameters.js';

type Values = Record<string, string | number>;

/** Whose they are, and how the resources differ. */
export interface KeyValuesOptions {
  /** The member that holds all of them; and the one that holds one pair, without which the pair is the body. */
  readonly all: string;
  readonly one?: string;
  readonly type: string[];
  /** The policy, where administrators only change them. */
  readonly admin?: string;
  readonly deleted: number;
  read(call: Call): Values;
  /** Keeps them, or refuses what may not be. */
  store(call: Call, values: Values): void;
}

export class KeyValues {
  readonly #options: KeyValuesOptions;
  readonly index = reads({}, (call) => ({ [this.#options.all]: this.#options.read(call) }));
  readonly show = reads({}, (call) => this.#wrap({ [call.args.id!]: this.#known(call)[call.args.id!]! }));
  readonly create;
  readonly updateAll;
  readonly update;
  readonly delete;

  constructor(options: KeyValuesOptions) {
    this.#options = options;
    const { all, one, type, admin, deleted, read, store } = options;
    const policy = (verb: string) => (admin === undefined ? {} : { admin: `${admin}:${verb}` });
    const pair = { ...keyValues(...type), minProperties: 1, maxProperties: 1 };
    const many = { '2.1': object({ [all]: keyValues(...type) }) };
    const single = { '2.1': one === undefined ? pair : object({ [one]: pair }) };
    this.create = writes<Record<string, Values>>({ ...policy('create'), body: many }, (call) => {
      store(call, { ...read(call), ...call.body[all] });
      return one === undefined ? call.body : { [all]: read(call) };
    });
    this.updateAll = writes<Record<string, Values>>({ ...policy('update'), body: many }, (call) => {
      store(call, call.body[all]!);
      return call.body;
    });
    this.update = writes<Record<string, unknown>>({ ...policy('update'), body: single }, (call) => {
      const given = (one === undefined ? call.body : call.body[one]) as Values;
      if (!Object.hasOwn(given, call.args.id!)) refuse(400, 'Request body and URI mismatch');
      store(call, { ...read(call), ...given });
      return call.body;
    });
    this.delete = writes({ ...policy('delete'), status: deleted }, (call) => {
      const { [call.args.id!]: _gone, ...rest } = this.#known(call);
      store(call, rest);
    });
  }

  /** All of them; 404 when the one the path names is not among them. */
  #known(call: Call): Values {
    const values = this.#options.read(call);
    return Object.hasOwn(values, call.args.id!) ? values : refuse(404, `There is no key ${call.args.id}.`);
  }

  #wrap(values: Values): object {
    return this.#options.one === undefined ? values : { [this.#options.one]: values };
  }
}
