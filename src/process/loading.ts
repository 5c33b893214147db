/** Tracks which module is loading, for reports that explain why a start takes so long. */
import { channel } from 'node:diagnostics_channel';

/** The name of the channel of `node:diagnostics_channel`, which keeps publisher and subscriber independent. */
const CHANNEL = 'portico.loading';

interface Step {
  readonly over: boolean;
  /** The same object at the beginning and the end of a step. */
  readonly what: { readonly text: string };
}

/** Runs a step of loading, and publishes its beginning and end if there are subscribers. */
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

/** Subscribes to the channel. The returned function gives the text of the innermost step in progress, or undefined. */
export function watchLoading(): () => string | undefined {
  const current = new Set<Step['what']>();
  channel(CHANNEL).subscribe((message) => {
    const { over, what } = message as Step;
    if (over) current.delete(what);
    else current.add(what);
  });
  return () => [...current].at(-1)?.text;
}
