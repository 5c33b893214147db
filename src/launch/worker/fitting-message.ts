/**
 * What an application gives a worker to say, made to fit: what is too long for the channel is shortened or left out, for
 * a parent ends a worker that says too much.
 */
import { serialize } from 'node:v8';
import { ANSWER_BYTES, countValues, FACTS_BYTES, FACTS_VALUES, TEXT, type ToParent } from '../assignment.js';

/** At the end of a text that was shortened. */
const SHORTENED = '… (shortened)';
/** So many names of facts in a warning. */
const NAMES = 3;

type Facts = Readonly<Record<string, unknown>>;

/** The message as its parent takes it. `warn` is told which facts are left out. */
export function fittingMessage(message: ToParent, warn: (text: string) => void): ToParent {
  switch (message.kind) {
    case 'failed':
      return {
        ...message,
        text: shortened(message.text),
        code: message.code && shortened(message.code),
        // Without them there is the text.
        diagnostics: sizeOf(message.diagnostics) > TEXT ? undefined : message.diagnostics,
      };
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
  const size = bytesOf(message.body);
  if (typeof size === 'string') return { kind, id, error: shortened(`its answer cannot be sent: ${size}`) };
  if (size <= ANSWER_BYTES) return message;
  return { kind, id, error: `its answer has ${size} bytes, more than the ${ANSWER_BYTES} there may be` };
}

/** All of them where they fit, else those in order that still do. */
function fittingFacts(facts: Facts, warn: (text: string) => void): Facts {
  if (sizeOf(facts) <= FACTS_BYTES && countValues(facts) <= FACTS_VALUES) return facts;
  const kept: [string, unknown][] = [];
  const dropped: string[] = [];
  let bytes = 0;
  let values = 0;
  for (const [at, name] of Object.keys(facts).entries()) {
    const fact = at < FACTS_VALUES ? { [name]: facts[name] } : undefined;
    const size = fact === undefined ? Number.POSITIVE_INFINITY : sizeOf(fact);
    const count = bytes + size > FACTS_BYTES ? Number.POSITIVE_INFINITY : countValues(fact!);
    if (values + count > FACTS_VALUES) {
      dropped.push(name);
      continue;
    }
    bytes += size;
    values += count;
    kept.push([name, facts[name]]);
  }
  const some = dropped.slice(0, NAMES).map((name) => JSON.stringify(name.slice(0, 40)));
  const others = dropped.length > NAMES ? ` and ${dropped.length - NAMES} others` : '';
  const limits = `${FACTS_BYTES} bytes and ${FACTS_VALUES} values`;
  warn(
    `Facts are left out of the signs of life: ${some.join(', ')}${others}; all together may have ${limits}, and no functions`,
  );
  return Object.fromEntries(kept);
}

/** Infinity for what cannot be sent. */
function sizeOf(value: unknown): number {
  const size = bytesOf(value);
  return typeof size === 'string' ? Number.POSITIVE_INFINITY : size;
}

/** Its size on the channel; or why it cannot be sent. */
function bytesOf(value: unknown): number | string {
  try {
    return serialize(value).byteLength;
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be cloned';
  }
}

function shortened(value: unknown): string {
  const text = String(value);
  return text.length <= TEXT ? text : `${text.slice(0, TEXT - SHORTENED.length)}${SHORTENED}`;
}
