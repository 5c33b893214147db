/**
 * Checks the types of messages from workers: a value of a wrong type must not reach the state of their parent.
 */
import type { ToParent } from '../worker-message.js';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';
const isFlag: Check = (value) => typeof value === 'boolean';
const isObject: Check = (value) => typeof value === 'object' && value !== null;

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

function tuple(...checks: readonly Check[]): Check {
  return (value) => Array.isArray(value) && checks.every((check, at) => check(value[at]));
}

function record(checks: Readonly<Record<string, Check>>): Check {
  return (value) => isObject(value) && wrongField(value as object, checks) === undefined;
}

const diagnostics = listOf(record({ severity: isText, code: isText, message: isText }));

const FIELDS: { readonly [K in ToParent['kind']]: Readonly<Record<string, Check>> } = {
  ready: { rss: optional(isNumber), workers: optional(isNumber) },
  code: { files: listOf(tuple(isText, isText)) },
  read: { files: listOf(record({ path: isText, option: isText, where: isText, hash: optional(isText) })) },
  built: { diagnostics },
  failed: { text: isText, code: optional(isText), status: isNumber, diagnostics: optional(diagnostics) },
  draining: {},
  ended: { status: isNumber, cutOff: isFlag, cutOffRequests: optional(isNumber), signalled: optional(isFlag) },
  beat: { debugged: isFlag, facts: isObject },
  counted: {
    buckets: listOf(isNumber),
    series: listOf(record({ metric: isText, labels: listOf(isText), counts: listOf(isNumber), sum: isNumber })),
    failures: optional(
      listOf(
        record({
          route: isText,
          error: isText,
          place: optional(isText),
          count: isNumber,
          at: isText,
          requestId: optional(isText),
        }),
      ),
    ),
  },
  take: { takes: listOf(tuple(isObject, isText, isNumber)) },
  stuck: { stack: listOf(isText) },
  inHand: {
    came: listOf(tuple(isNumber, isText)),
    left: listOf(isNumber),
    rss: optional(isNumber),
  },
  leaves: { requests: listOf(record({ method: isText, path: isText, ageMs: isNumber })) },
  replace: { reason: isText },
  answer: { id: isNumber, error: optional(isText) },
};

/** Throws if a field of the message has a wrong type. Kinds that this version does not know pass. */
export function checkMessage(message: ToParent): void {
  const { kind } = message;
  const wrong = Object.hasOwn(FIELDS, kind) ? wrongField(message, FIELDS[kind]) : undefined;
  if (wrong !== undefined) throw new TypeError(`wrong ${wrong} of ${kind}`);
}

function wrongField(value: object, checks: Readonly<Record<string, Check>>): string | undefined {
  return Object.keys(checks).find((name) => !checks[name]!((value as Record<string, unknown>)[name]));
}
