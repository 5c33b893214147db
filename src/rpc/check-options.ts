/**
 * What an RPC service is given in code, looked at before anything is made of it.
 */
import { ConfigurationRefused, didYouMean, PorticoError } from '../errors/index.js';
import type { RPCServiceOptions } from './rpc-options.js';

type Kind = readonly [is: (value: unknown) => boolean, wanted: string];

const text: Kind = [(value) => typeof value === 'string', 'a string'];
const seconds: Kind = [(value) => typeof value === 'number', 'a number of seconds'];
const callable: Kind = [(value) => typeof value === 'function', 'a function'];
const object: Kind = [(value) => typeof value === 'object', 'an object'];

/** Every option, and what it may be where it is given. */
const KINDS: Readonly<Record<keyof RPCServiceOptions, Kind>> = {
  host: text,
  binary: text,
  topic: text,
  altTopic: text,
  manager: [
    (value) => ['string', 'function', 'object'].includes(typeof value),
    'an object, a class, a function or a name',
  ],
  managers: object,
  reportInterval: seconds,
  periodicEnable: [(value) => typeof value === 'boolean', 'true or false'],
  periodicFuzzyDelay: seconds,
  periodicIntervalMax: seconds,
  config: object,
  project: text,
  version: [(value) => Number.isInteger(value) && (value as number) >= 0, 'a whole number, 0 or more'],
  workers: [(value) => Number.isInteger(value) && (value as number) >= 1, 'a whole number, 1 or more'],
  name: [(value) => typeof value === 'string' && value !== '', 'a string with something in it'],
  registration: object,
  context: callable,
  send: callable,
  argv: [Array.isArray, 'a list of strings'],
  log: object,
};

/**
 * Throws `PORTICO_RPC_OPTION` for an option there is not, with the nearest name, and for a value that cannot be;
 * `PORTICO_MANAGER` for a list without managers. Undefined and null are always right.
 */
export function checkOptions(options: RPCServiceOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(KINDS, name)) {
      throw new PorticoError('PORTICO_RPC_OPTION', {
        message: `an RPC service has no option "${name}"`,
        hint: didYouMean(name, Object.keys(KINDS)) ?? `There are: ${Object.keys(KINDS).join(', ')}.`,
      });
    }
    const [is, wanted] = KINDS[name as keyof RPCServiceOptions];
    if (value === undefined || value === null || is(value)) continue;
    throw new PorticoError('PORTICO_RPC_OPTION', { message: `${name} is ${shown(value)}: ${wanted} is wanted` });
  }
  if (!Array.isArray(options.manager) || options.manager.length > 0) return;
  throw new ConfigurationRefused('PORTICO_MANAGER', {
    message: 'manager is a list without managers',
    hint: 'Give one, or leave manager out for what the configuration names.',
  });
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `of type ${typeof value}`;
}
