/**
 * An app whose loading nobody waits for any more.
 */
import type { LoadedApp } from '../../loader/index.js';

/** How long loading may still take once a stop has called the start off: nothing else was begun yet. */
const CALLED_OFF_MS = 500;

/** The app; rejects with the signal's reason soon after that is raised, and then closes the app should it come later. */
export async function unlessCalledOff(loading: Promise<LoadedApp>, signal: AbortSignal): Promise<LoadedApp> {
  let timer: NodeJS.Timeout | undefined;
  let raised = (): void => undefined;
  const calledOff = new Promise<undefined>((resolve) => {
    raised = () => {
      timer = setTimeout(() => resolve(undefined), CALLED_OFF_MS);
    };
    if (signal.aborted) raised();
    else signal.addEventListener('abort', raised, { once: true });
  });
  try {
    const app = await Promise.race([loading, calledOff]);
    if (app !== undefined) return app;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', raised);
  }
  loading.then((app) => app.close()).catch(() => undefined);
  throw signal.reason;
}
