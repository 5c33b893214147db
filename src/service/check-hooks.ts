/**
 * What can be wrong with the hooks of a manager: one that is no function, and one whose name is misspelt.
 */
import { ConfigurationRefused, nearestNames, whatItIs } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { HOOK_NAMES } from './hook-caller.js';
import type { Manager } from './manager.js';

/** Shorter names are too near to words that mean something else. */
const LONG_NAME = 8;

/** Throws `PORTICO_MANAGER` for a hook that cannot be called; warns of members that are nearly called like a hook. */
export function checkHooks(service: string, manager: Manager, log: Logger): void {
  const named = manager.constructor?.name;
  const who = named === undefined || named === 'Object' ? 'the manager' : `the manager ${named}`;
  for (const hook of HOOK_NAMES) {
    const given: unknown = manager[hook];
    if (given === undefined || typeof given === 'function') continue;
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${service}: ${hook} of ${who} is ${given === null ? 'null' : `a ${typeof given}`}, not a function`,
      hint: 'Hooks are optional methods: leave out those that are not needed.',
    });
  }
  const { periodicTasks } = manager;
  if (periodicTasks !== undefined && typeof (periodicTasks as { status?: unknown } | null)?.status !== 'function') {
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${service}: periodicTasks of ${who} is ${whatItIs(periodicTasks)}, not a PeriodicTasks`,
      hint: 'Mark the methods with @periodicTask and leave it out, or give new PeriodicTasks(this).',
    });
  }
  for (const name of membersOf(manager)) {
    const hook = HOOK_NAMES.find((known) => folded(known) === folded(name)) ?? nearHook(name);
    if (hook === undefined || hook === name || manager[hook as keyof Manager] !== undefined) continue;
    log.warn(`${service}: ${who} has ${name}, which nobody calls. Did you mean the hook ${hook}?`);
  }
}

function nearHook(name: string): string | undefined {
  return name.length < LONG_NAME ? undefined : nearestNames(name, HOOK_NAMES)[0];
}

function folded(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}

/** The methods of an object and of its classes. No getter is called. */
function membersOf(manager: object): Set<string> {
  const names = new Set<string>();
  for (let at: object | null = manager; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name);
    }
  }
  return names;
}
