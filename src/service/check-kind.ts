/**
 * What a declaration of a kind of driver, and a policy, may say: looked at where it is made, all mistakes at once.
 */
import { PorticoError, unknownOption, whatItIs } from '../errors/index.js';
import type { DriverKind } from './driver-kind.js';
import type { DriverPolicy } from './driver-policy.js';

type Check = (value: unknown) => boolean;
type Rules<T> = Readonly<Record<keyof T, readonly [what: string, check: Check]>>;

const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isFunction: Check = (value) => typeof value === 'function';
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isNames: Check = (value) => Array.isArray(value) && value.every(isText);
const isTime: Check = (value) => typeof value === 'number' && value > 0;
const isDelay: Check = (value) => typeof value === 'number' && value >= 0;
const isTable =
  (item: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value as object).every(item);
const isCount =
  (least: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least;

const KIND: Rules<DriverKind> = {
  kind: ['a text', isText],
  base: ['a class', isFunction],
  required: ['a list of names of methods', isNames],
  optional: ['a list of names of methods', isNames],
  capabilities: ['names with true or false', isTable((value) => typeof value === 'boolean')],
  apiVersion: ['a text such as "1.0"', (value) => typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)],
  configGroup: ['a text', isText],
  policy: ['an object', isObject],
  shared: ['true or false', (value) => typeof value === 'boolean'],
  builtin: ['an object', isObject],
  aliases: ['old names with new ones', isTable(isText)],
  packages: ['names of drivers with those of packages', isTable(isText)],
};

const POLICY: Rules<DriverPolicy> = {
  timeout: ['a number of seconds above 0', isTime],
  retry: ['an object', isObject],
  breaker: ['an object', isObject],
};

const RETRY: Rules<NonNullable<DriverPolicy['retry']>> = {
  retries: ['a whole number, 0 or more', isCount(0)],
  initialDelay: ['a number of seconds, 0 or more', isDelay],
  maxDelay: ['a number of seconds, 0 or more', isDelay],
  when: ['a function', isFunction],
};

const BREAKER: Rules<NonNullable<DriverPolicy['breaker']>> = {
  failures: ['a whole number, 1 or more', isCount(1)],
  resetAfter: ['a number of seconds above 0', isTime],
};

/** Throws `PORTICO_BAD_DRIVER_KIND`, naming all that is wrong, for what declares no kind. */
export function checkKind(kind: DriverKind): void {
  const problems = problemsOf('', kind, KIND, ['kind', 'required']);
  if (isObject(kind) && isObject(kind.policy)) problems.push(...policyProblems(kind.policy!, 'policy.'));
  if (problems.length === 0) return;
  const name = isObject(kind) && isText(kind.kind) ? ` "${kind.kind}"` : '';
  throw refusal('PORTICO_BAD_DRIVER_KIND', `the driver kind${name} cannot be declared`, problems);
}

/** Throws `PORTICO_BAD_DRIVER_POLICY`, naming all that is wrong, for what is no policy. */
export function checkPolicy(policy: DriverPolicy): void {
  const problems = policyProblems(policy, '');
  if (problems.length > 0)
    throw refusal('PORTICO_BAD_DRIVER_POLICY', 'the policy of a driver cannot be used', problems);
}

interface Problem {
  readonly message: string;
  readonly hint?: string;
}

function policyProblems(policy: DriverPolicy, prefix: string): Problem[] {
  const problems = problemsOf(prefix, policy, POLICY, []);
  if (problems.length > 0) return problems;
  if (Object.values(policy).every((part) => part === undefined)) {
    return [
      { message: `${prefix === '' ? 'it' : 'policy'} has none of timeout, retry, breaker`, hint: 'Leave it out.' },
    ];
  }
  if (policy.retry !== undefined) problems.push(...problemsOf(`${prefix}retry.`, policy.retry, RETRY, ['retries']));
  if (policy.breaker !== undefined) {
    problems.push(...problemsOf(`${prefix}breaker.`, policy.breaker, BREAKER, ['failures']));
  }
  return problems;
}

function problemsOf(prefix: string, given: object, rules: Rules<never>, needed: readonly string[]): Problem[] {
  if (!isObject(given)) return [{ message: `it is ${whatItIs(given)}, not an object` }];
  const unknown = unknownOption(given, Object.keys(rules));
  const problems: Problem[] =
    unknown === undefined ? [] : [{ message: `there is no ${prefix}${unknown.name}`, hint: unknown.hint }];
  for (const [name, [what, check]] of Object.entries<readonly [string, Check]>(rules)) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined ? !needed.includes(name) : check(value)) continue;
    problems.push({ message: `${prefix}${name} is ${what}, not ${whatItIs(value)}` });
  }
  return problems;
}

function refusal(code: string, what: string, problems: readonly Problem[]): PorticoError {
  const hints = problems.map(({ hint }) => hint).filter((hint) => hint !== undefined);
  return new PorticoError(code, {
    message: `${what}: ${problems.map(({ message }) => message).join('; ')}`,
    hint: hints.length === 0 ? undefined : hints.join(' '),
  });
}
