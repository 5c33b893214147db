/**
 * Regular expressions that clients send.
 */
import { createContext, runInContext, Script } from 'node:vm';
import { Fault } from '../../app/index.js';

/** What bounds a client's expression. */
export interface ClientPatternOptions {
  /** What is searched, for the fault: the parameter's name. Default `pattern`. */
  readonly name?: string;
  /** Its longest text, in characters. Default 255. */
  readonly maxLength?: number;
  /** How long all searches together may take, in milliseconds. Default 1000. */
  readonly timeoutMs?: number;
}

/**
 * A search for a client's regular expression anywhere in a text. Throws a `Fault` 400 for one that is too long; the
 * search throws it for one that is none, and for one that takes too long, as expressions can that were made to: over all
 * texts that are searched, so that a long list is bounded as well.
 */
export function clientPattern(pattern: string, options: ClientPatternOptions = {}): (text: string) => boolean {
  const { name = 'pattern', maxLength = 255, timeoutMs = 1000 } = options;
  if (pattern.length > maxLength) throw new Fault(400, { message: `${name} is longer than ${maxLength} characters` });
  const search = new BoundedSearch(pattern, timeoutMs);
  return (text) => {
    try {
      return search.finds(text);
    } catch {
      throw new Fault(400, { message: `${name} is no regular expression, or one that takes too long` });
    }
  };
}

/** All searches share one context, where alone a search can be stopped, and one time. */
class BoundedSearch {
  readonly #pattern: string;
  readonly #timeoutMs: number;
  readonly #test = new Script('began = now(); found = expression.test(text); spent += now() - began; found');
  #context: { text: string; spent: number } | undefined;

  constructor(pattern: string, timeoutMs: number) {
    this.#pattern = pattern;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws when the time is spent. */
  finds(text: string): boolean {
    this.#context ??= this.#makeContext();
    const context = this.#context;
    const left = this.#timeoutMs - context.spent;
    if (left <= 0) throw new Error('the time is spent');
    context.text = text;
    try {
      return this.#test.runInContext(context, { timeout: Math.ceil(left) }) as boolean;
    } catch (error) {
      context.spent = this.#timeoutMs;
      throw error;
    }
  }

  /** The time is taken inside: to watch a search takes longer than most searches do, and is no fault of theirs. */
  #makeContext(): { text: string; spent: number } {
    const context = { pattern: this.#pattern, text: '', spent: 0, now: () => performance.now() };
    createContext(context);
    runInContext('expression = new RegExp(pattern)', context);
    return context;
  }
}
