/**
 * What a worker may say to its parent: the one table by which every message is checked before anything is done with it. A
 * worker runs the application's code, and whatever that sends must not be able to harm the parent.
 */
import { types } from 'node:util';
import { type Diagnostic, isObject, type Place } from '../../errors/index.js';
import { COUNTED, LABEL_CHARACTERS, type Series } from '../../metrics/index.js';
import {
  countValues,
  ELEMENTS,
  FACTS_DEPTH,
  FACTS_VALUES,
  type Question,
  TAKE_ID,
  TAKE_KEY,
  TAKES,
  TEXT,
  type ToParent,
} from '../assignment.js';

/** Undefined for a value that is right, else what it has to be. */
type Check = (value: unknown) => string | undefined;

const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'has to be true or false');
const textUpTo = (most: number): Check => {
  return (value) =>
    typeof value === 'string' && value.length <= most ? undefined : `has to be text of at most ${most} characters`;
};
const text = textUpTo(TEXT);
const count: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'has to be a whole number, 0 or more';
const exitStatus: Check = (value) =>
  count(value) === undefined && (value as number) <= 255 ? undefined : 'has to be an exit status, 0 to 255';
const oneOf = <T extends string>(names: Readonly<Record<T, unknown>>): Check => {
  return (value) =>
    typeof value === 'string' && Object.hasOwn(names, value)
      ? undefined
      : `has to be one of ${Object.keys(names).join(', ')}`;
};
const anything: Check = () => undefined;
const optional = (check: Check): Check => {
  return (value) => (value === undefined ? undefined : check(value));
};
const listOf = (check: Check, most = ELEMENTS): Check => {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) return `has to be a list of at most ${most} elements`;
    return firstOf(value, check);
  };
};
const amount: Check = (value) =>
  Number.isFinite(value) && (value as number) >= 0 ? undefined : 'has to be a number, 0 or more';
const positive: Check = (value) =>
  amount(value) === undefined && value !== 0 ? undefined : 'has to be a number above 0';
const label = textUpTo(LABEL_CHARACTERS);
const facts: Check = (value) =>
  isObject(value) && countValues(value) <= FACTS_VALUES
    ? undefined
    : `has to be an object, ${FACTS_VALUES} values and ${FACTS_DEPTH} deep at most`;
const digests: Check = (value) => {
  if (!types.isMap(value) || value.size > ELEMENTS) return `has to be a map of at most ${ELEMENTS} files`;
  return firstOf([...value].flat(), text);
};

const fields = (checks: Readonly<Record<string, Check>>, what: string): Check => {
  return (value) => (isObject(value) ? fieldsOf(value, checks) : `has to be ${what}`);
};
const service = fields({ name: text, workers: count }, 'a list of services');
const origin = fields(
  { file: text, line: count, column: count, section: optional(text), option: optional(text), text: optional(text) },
  'a place in a file',
);
const placeKind = oneOf<Place['kind']>({
  default: true,
  set_default: true,
  override: true,
  file: true,
  environment: true,
  command_line: true,
  source: true,
});
const diagnostic = fields(
  {
    severity: oneOf<Diagnostic['severity']>({ error: true, warning: true }),
    code: text,
    place: optional(fields({ kind: placeKind, detail: text, origin: optional(origin) }, 'a place')),
    section: optional(text),
    option: optional(text),
    message: text,
    got: optional(text),
    hint: optional(text),
    proposal: optional(text),
    note: optional(text),
  } satisfies Readonly<Record<keyof Diagnostic, Check>>,
  'a diagnostic',
);

const seriesFields = fields(
  { metric: oneOf(COUNTED), labels: listOf(label), counts: listOf(count), sum: amount } satisfies Readonly<
    Record<keyof Series, Check>
  >,
  'a series',
);
/** It has a label for each of its metric. */
const series: Check = (value) => {
  const wrong = seriesFields(value);
  if (wrong !== undefined) return wrong;
  const { metric, labels } = value as Series;
  return labels.length === COUNTED[metric].labels.length ? undefined : 'has to have the labels of its metric';
};

const rule = fields({ id: textUpTo(TAKE_ID), rate: positive, burst: positive, maxKeys: positive }, 'a rule');
const takeKey = textUpTo(TAKE_KEY);
const take: Check = (value) => {
  if (!Array.isArray(value) || value.length !== 3) return 'has to be a rule, a key and a time';
  return count(value[0]) ?? takeKey(value[1]) ?? amount(value[2]);
};
const questionFields = fields(
  { rules: listOf(rule, TAKES), takes: listOf(take, TAKES) } satisfies Readonly<Record<keyof Question, Check>>,
  'a question',
);
/** Its tokens are of its rules. */
const question: Check = (value) => {
  const wrong = questionFields(value);
  if (wrong !== undefined) return wrong;
  const { rules, takes } = value as Question;
  return takes.every(([at]) => at < rules.length) ? undefined : 'has to have the rules of its tokens';
};

/** So many names of an object's fields are told. */
const NAMES = 3;

/** By kind, the fields of each message; others may not be there. */
const MESSAGES: { readonly [K in ToParent['kind']]: Readonly<Record<keyof Extract<ToParent, { kind: K }>, Check>> } = {
  ready: { kind: text },
  rehearsed: { kind: text, files: digests },
  failed: { kind: text, text, code: optional(text), status: exitStatus, diagnostics: optional(listOf(diagnostic)) },
  launched: { kind: text, services: listOf(service) },
  draining: { kind: text },
  ended: { kind: text, status: exitStatus, cutOff: flag },
  beat: { kind: text, debugged: flag, facts },
  take: { kind: text, question },
  counted: { kind: text, buckets: listOf(amount), series: listOf(series) },
  stuck: { kind: text, stack: listOf(text) },
  replace: { kind: text, reason: text },
  done: { kind: text, id: count, accepted: flag },
  // Questions and answers are not checked here: the caller that asks checks the answer.
  answer: { kind: text, id: count, body: anything, error: optional(text) },
};

/** A message; a foreign value, which is ignored; or what is wrong with the message. */
export type Reading =
  | { readonly message: ToParent; readonly foreign?: never; readonly fault?: never }
  | { readonly foreign: string; readonly message?: never; readonly fault?: never }
  | { readonly fault: string; readonly message?: never; readonly foreign?: never };

/** Texts, and objects without a kind of ours, come from those who know nothing of this table. */
export function readMessage(value: unknown): Reading {
  if (typeof value === 'string') return { foreign: described(value) };
  if (typeof value !== 'object' || value === null) return { fault: `a message that is ${described(value)}` };
  const kind = Object.hasOwn(value, 'kind') ? (value as { kind: unknown }).kind : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(MESSAGES, kind)) return { foreign: described(value) };
  const wrong = fieldsOf(value as Record<string, unknown>, MESSAGES[kind as ToParent['kind']]);
  return wrong === undefined ? { message: value as ToParent } : { fault: `a message "${kind}" whose ${wrong}` };
}

function fieldsOf(value: Record<string, unknown>, fields: Readonly<Record<string, Check>>): string | undefined {
  for (const [name, check] of Object.entries(fields)) {
    const wrong = check(Object.hasOwn(value, name) ? value[name] : undefined);
    if (wrong !== undefined) return `${name} ${wrong}`;
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  return unknown === undefined ? undefined : `field ${quoted(unknown)} is unknown`;
}

function firstOf(values: readonly unknown[], check: Check): string | undefined {
  for (const value of values) {
    const wrong = check(value);
    if (wrong !== undefined) return `has an element that ${wrong}`;
  }
  return undefined;
}

function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `the text ${quoted(value)}`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (Array.isArray(value)) return 'a list';
  const names = Object.keys(value);
  const some = names.slice(0, NAMES).map(quoted).join(', ');
  return names.length === 0 ? 'an object' : `an object with ${some}${names.length > NAMES ? ', …' : ''}`;
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}
