/**
 * What a worker says to its parent: each message, how much may stand in it, how a worker makes what an application gives it fit,
 * and how its parent checks what came. A worker runs the application's code, and whatever that sends must not be able to harm
 * the parent.
 */
import { types } from 'node:util';
import { serialize } from 'node:v8';
import { type Diagnostic, isObject } from '../errors/index.js';
import { COUNTED, type Counted, LABEL_CHARACTERS, type Series } from '../metrics/index.js';

/** Why a worker ends before it was ready. */
export interface WorkerFailure {
  /** For an operator; with a stack only where an unforeseen error was thrown. */
  readonly text: string;
  /** Of a configuration that was refused: all mistakes. */
  readonly diagnostics?: readonly Diagnostic[] | undefined;
  readonly code: string | undefined;
  /** The status it ends with. */
  readonly status: number;
}

/** What tokens are taken of: `SharedRule` of the service directory. */
export interface TakeRule {
  readonly id: string;
  readonly rate: number;
  readonly burst: number;
  readonly maxKeys: number;
}

/** A token is to be taken: of which rule, for whom, and how long the request would wait for it. A rule crosses once, however many takes have it. */
export type Take = readonly [rule: TakeRule, key: string, patienceMs: number];

/** From a worker. */
export type ToParent =
  | { readonly kind: 'ready' }
  /** It has loaded what its service needs, from these files among others: each with the digest of what it read there. */
  | { readonly kind: 'rehearsed'; readonly files: ReadonlyMap<string, string> }
  | ({ readonly kind: 'failed' } & WorkerFailure)
  /** The program waits: it asked for so many workers of this service. */
  | { readonly kind: 'launched'; readonly workers: number }
  /** It accepts no new connections any more. */
  | { readonly kind: 'draining' }
  /** It has ended all there was to end, with work cut off or without, and exits with that status. */
  | { readonly kind: 'ended'; readonly status: number; readonly cutOff: boolean }
  /** A sign of life. */
  | { readonly kind: 'beat'; readonly debugged: boolean; readonly facts: Facts }
  /** What it has counted since it said so last. */
  | ({ readonly kind: 'counted' } & Counted)
  /** It needs tokens, and asks for no others before it has the answer, `taken`. */
  | { readonly kind: 'take'; readonly takes: readonly Take[] }
  /** From its watch thread: what the main thread is stuck in, innermost first. */
  | { readonly kind: 'stuck'; readonly stack: readonly string[] }
  /** It asks for a fresh worker in its place. */
  | { readonly kind: 'replace'; readonly reason: string }
  /** To `ask` or `mutate`. */
  | { readonly kind: 'answer'; readonly id: number; readonly body?: unknown; readonly error?: string };

type Facts = Readonly<Record<string, unknown>>;

/** The most tokens of one question; the longest key, and the longest name of a rule. */
export const TAKES = 1000;
export const TAKE_KEY = 64;
export const TAKE_ID = 256;
/** The largest answer: less than a message may have, because other messages are under way. */
const ANSWER_BYTES = 24 * 1024 * 1024;
/** The longest text, in characters; a refused configuration may be told in many lines. */
const TEXT = 1024 * 1024;
/** The most elements of a list or a map. */
const ELEMENTS = 100_000;
/** What comes with a sign of life once a second: so many bytes, this deep and this many values. */
const FACTS_BYTES = 128 * 1024;
const FACTS_DEPTH = 16;
const FACTS_VALUES = 10_000;
/** At the end of a text that was shortened. */
const SHORTENED = '… (shortened)';
/** So many names of facts, or of an object's fields, are told. */
const NAMES = 3;

/** The message as its parent takes it: too long a text is shortened. `warn` is told which facts are left out. */
export function fittingMessage(message: ToParent, warn: (text: string) => void): ToParent {
  switch (message.kind) {
    case 'failed': {
      const { text, code, diagnostics } = message;
      // Without diagnostics there is the text.
      const known = sizeOf(diagnostics) > TEXT ? undefined : diagnostics;
      return { ...message, text: shortened(text), code: code && shortened(code), diagnostics: known };
    }
    case 'replace':
      return { ...message, reason: shortened(message.reason ?? 'asked for') };
    case 'beat':
      return { ...message, facts: fittingFacts(message.facts, warn) };
    case 'answer':
      return fittingAnswer(message);
    default:
      return message;
  }
}

/** An answer that cannot be sent becomes an error that says why. */
function fittingAnswer(message: Extract<ToParent, { kind: 'answer' }>): ToParent {
  const { kind, id, error } = message;
  if (error !== undefined) return { kind, id, error: shortened(error) };
  try {
    const size = serialize(message.body).byteLength;
    if (size <= ANSWER_BYTES) return message;
    return { kind, id, error: `its answer has ${size} bytes, more than the ${ANSWER_BYTES} there may be` };
  } catch (why) {
    return { kind, id, error: shortened(`its answer cannot be sent: ${(why as Error | undefined)?.message}`) };
  }
}

/** All of them where they fit, else those in order that still do. */
function fittingFacts(facts: Facts, warn: (text: string) => void): Facts {
  if (sizeOf(facts) <= FACTS_BYTES && countValues(facts) <= FACTS_VALUES) return facts;
  const dropped: string[] = [];
  let bytes = 0;
  let values = 0;
  const kept = Object.entries(facts).filter(([name, fact]) => {
    const one = { [name]: fact };
    const size = values < FACTS_VALUES ? sizeOf(one) : Number.POSITIVE_INFINITY;
    const count = bytes + size <= FACTS_BYTES ? countValues(one) : Number.POSITIVE_INFINITY;
    if (values + count > FACTS_VALUES) {
      dropped.push(name);
      return false;
    }
    bytes += size;
    values += count;
    return true;
  });
  const some = dropped.slice(0, NAMES).map((name) => JSON.stringify(name.slice(0, 40)));
  const others = dropped.length > NAMES ? ` and ${dropped.length - NAMES} others` : '';
  const limits = `${FACTS_BYTES} bytes and ${FACTS_VALUES} values`;
  warn(
    `Facts are left out of the signs of life: ${some.join(', ')}${others}; all together may have ${limits}, and no functions`,
  );
  return Object.fromEntries(kept);
}

/** In bytes on the channel; infinity for what cannot be sent. */
function sizeOf(value: unknown): number {
  try {
    return serialize(value).byteLength;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function shortened(value: unknown): string {
  const text = String(value);
  return text.length <= TEXT ? text : `${text.slice(0, TEXT - SHORTENED.length)}${SHORTENED}`;
}

/**
 * How many values there are in the facts; infinity for too many, or too deep ones. Walks level by level: it needs no stack,
 * and ends for a value that contains itself.
 */
function countValues(facts: object): number {
  let level: object[] = [facts];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= FACTS_DEPTH) return Number.POSITIVE_INFINITY;
    const below: object[] = [];
    for (const each of level) {
      const inner: unknown[] = Object.values(each);
      values += inner.length;
      if (values > FACTS_VALUES) return Number.POSITIVE_INFINITY;
      for (const one of inner) if (typeof one === 'object' && one !== null) below.push(one);
    }
    level = below;
  }
  return values;
}

/** Undefined for a value that is right, else what it has to be. */
type Check = (value: unknown) => string | undefined;

function is(wanted: string, isRight: (value: unknown) => boolean): Check {
  return (value) => (isRight(value) ? undefined : `has to be ${wanted}`);
}

const both = (first: Check, then: Check): Check => {
  return (value) => first(value) ?? then(value);
};
const optional = (check: Check): Check => {
  return (value) => (value === undefined ? undefined : check(value));
};
const textUpTo = (most: number): Check => {
  return is(`text of at most ${most} characters`, (value) => typeof value === 'string' && value.length <= most);
};
const oneOf = (names: readonly string[]): Check => {
  return is(`one of ${names.join(', ')}`, (value) => names.includes(value as string));
};
const listOf = (check: Check, most = ELEMENTS): Check => {
  const list = is(`a list of at most ${most} elements`, (value) => Array.isArray(value) && value.length <= most);
  return both(list, (value) => firstOf(value as unknown[], check));
};
const fields = (checks: Readonly<Record<string, Check>>, what: string): Check => {
  return both(is(what, isObject), (value) => fieldsOf(value as Record<string, unknown>, checks));
};

const text = textUpTo(TEXT);
const word = is('a word', (value) => typeof value === 'string' && /^[a-z_]+$/.test(value));
const flag = is('true or false', (value) => typeof value === 'boolean');
const amount = is('a number, 0 or more', (value) => Number.isFinite(value) && (value as number) >= 0);
const positive = is('a number above 0', (value) => Number.isFinite(value) && (value as number) > 0);
const count = is('a whole number, 0 or more', (value) => Number.isSafeInteger(value) && (value as number) >= 0);
const exitStatus = is('an exit status, 0 to 255', (value) => count(value) === undefined && (value as number) <= 255);
const facts = is(
  `an object, ${FACTS_VALUES} values and ${FACTS_DEPTH} deep at most`,
  (value) => isObject(value) && countValues(value) <= FACTS_VALUES,
);
const digests = both(
  is(`a map of at most ${ELEMENTS} files`, (value) => types.isMap(value) && value.size <= ELEMENTS),
  (value) => firstOf([...(value as Map<unknown, unknown>)].flat(), text),
);

const origin = fields(
  { file: text, line: count, column: count, section: optional(text), option: optional(text), text: optional(text) },
  'a place in a file',
);
const diagnostic = fields(
  {
    severity: oneOf(['error', 'warning']),
    code: text,
    place: optional(fields({ kind: word, detail: text, origin: optional(origin) }, 'a place')),
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

const seriesFields = {
  metric: oneOf(Object.keys(COUNTED)),
  labels: listOf(textUpTo(LABEL_CHARACTERS)),
  counts: listOf(count),
  sum: amount,
} satisfies Readonly<Record<keyof Series, Check>>;
const series = both(
  fields(seriesFields, 'a series'),
  is('a series with the labels of its metric', (value) => {
    const { metric, labels } = value as Series;
    return labels.length === COUNTED[metric].labels.length;
  }),
);

const rule = fields({ id: textUpTo(TAKE_ID), rate: positive, burst: positive, maxKeys: positive }, 'a rule');
const key = textUpTo(TAKE_KEY);
const take = both(
  is('a rule, a key and a time', (value) => Array.isArray(value) && value.length === 3),
  (value) => {
    const [of, whose, patienceMs] = value as readonly unknown[];
    return rule(of) ?? key(whose) ?? amount(patienceMs);
  },
);

/** By kind, the fields of each message; others may not be there. */
const MESSAGES: { readonly [K in ToParent['kind']]: Readonly<Record<keyof Extract<ToParent, { kind: K }>, Check>> } = {
  ready: { kind: text },
  rehearsed: { kind: text, files: digests },
  failed: { kind: text, text, code: optional(text), status: exitStatus, diagnostics: optional(listOf(diagnostic)) },
  launched: { kind: text, workers: count },
  draining: { kind: text },
  ended: { kind: text, status: exitStatus, cutOff: flag },
  beat: { kind: text, debugged: flag, facts },
  take: { kind: text, takes: listOf(take, TAKES) },
  counted: { kind: text, buckets: listOf(amount), series: listOf(series) },
  stuck: { kind: text, stack: listOf(text) },
  replace: { kind: text, reason: text },
  // What is in an answer is for the caller that asked to check.
  answer: { kind: text, id: count, body: () => undefined, error: optional(text) },
};

/** A message; a foreign value, which is ignored; or what is wrong with the message. */
type Reading = { readonly message: ToParent } | { readonly foreign: string } | { readonly fault: string };

/** Texts, and objects without a kind of ours, come from those who know nothing of this table. */
export function readMessage(value: unknown): Reading {
  if (typeof value === 'string') return { foreign: described(value) };
  if (typeof value !== 'object' || value === null) return { fault: `a message that is ${described(value)}` };
  const kind = Object.hasOwn(value, 'kind') ? (value as { kind: unknown }).kind : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(MESSAGES, kind)) return { foreign: described(value) };
  const wrong = fieldsOf(value as Record<string, unknown>, MESSAGES[kind as ToParent['kind']]);
  return wrong === undefined ? { message: value as ToParent } : { fault: `a message "${kind}" whose ${wrong}` };
}

function fieldsOf(value: Record<string, unknown>, checks: Readonly<Record<string, Check>>): string | undefined {
  for (const [name, check] of Object.entries(checks)) {
    const wrong = check(Object.hasOwn(value, name) ? value[name] : undefined);
    if (wrong !== undefined) return `${name} ${wrong}`;
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(checks, name));
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
