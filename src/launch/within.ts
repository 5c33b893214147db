/**
 * Waiting, but not for ever.
 */

/** Node turns a longer delay into 1 ms. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** What `promise` gives, or undefined when that takes longer than `ms`. The timer goes with the answer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.min(ms, LONGEST_DELAY_MS));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True once `promise` is settled, either way. */
export function settled(promise: Promise<unknown>): Promise<true> {
  return promise.then(
    () => true,
    () => true,
  );
}

/** Settles after `ms`, or as soon as the signal is raised. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, LONGEST_DELAY_MS));
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** What `promise` gives, or undefined as soon as one of the signals is raised. Afterwards nothing listens to them. */
export async function unlessAborted<T>(
  promise: Promise<T>,
  ...signals: readonly AbortSignal[]
): Promise<T | undefined> {
  if (signals.some(({ aborted }) => aborted)) return undefined;
  let raised!: () => void;
  const aborted = new Promise<undefined>((resolve) => {
    raised = () => resolve(undefined);
  });
  for (const signal of signals) signal.addEventListener('abort', raised);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', raised);
  }
}
