/**
 * The module that loads right now: the loader records it for reports that explain why it takes so long.
 */
import { channel } from 'node:diagnostics_channel';

/** The channel of `node:diagnostics_channel`, so that neither side has to know the other. */
const CHANNEL = 'portico.loading';

interface Step {
  readonly over: boolean;
  /** One object from the beginning of a step to its end. */
  readonly what: { readonly text: string };
}

/** Runs a step of loading, and tells of it while it lasts, if there are listeners. */
export async function whileLoading<T>(text: () => string, work: () => T | PromiseLike<T>): Promise<T> {
  const steps = channel(CHANNEL);
  if (!steps.hasSubscribers) return work();
  const what = { text: text() };
  steps.publish({ over: false, what } satisfies Step);
  try {
    return await work();
  } finally {
    steps.publish({ over: true, what } satisfies Step);
  }
}

/** Listens from now on; the function it gives says what is being loaded: the innermost step, undefined between them. */
export function watchLoading(): () => string | undefined {
  const current = new Set<Step['what']>();
  channel(CHANNEL).subscribe((message) => {
    const { over, what } = message as Step;
    if (over) current.delete(what);
    else current.add(what);
  });
  return () => [...current].at(-1)?.text;
}
