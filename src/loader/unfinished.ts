/**
 * Work that goes as deep as a file says: written as if each step called the next, run without a deep stack.
 *
 * A step yields the step it waits for and is given its result. A chain of `use` through a thousand sections would
 * otherwise end where Node's stack does, at a length that depends on who calls.
 */
export interface Unfinished<T> extends Generator<Unfinished<T>, T, T> {}

/** Runs a step and all it waits for. What a step throws is thrown into the one that waits. */
export function finish<T>(first: Unfinished<T>): T {
  const waiting = [first];
  let outcome: { value?: T; error?: unknown; failed: boolean } = { failed: false };
  while (waiting.length > 0) {
    const step = waiting.at(-1)!;
    try {
      const result = outcome.failed ? step.throw(outcome.error) : step.next(outcome.value as T);
      outcome = { failed: false };
      if (result.done === true) {
        waiting.pop();
        outcome.value = result.value;
      } else {
        waiting.push(result.value);
      }
    } catch (error) {
      waiting.pop();
      outcome = { failed: true, error };
    }
  }
  if (outcome.failed) throw outcome.error;
  return outcome.value as T;
}
