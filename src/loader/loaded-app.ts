/** The app of a load, which releases what its factories acquired. */
import type { App } from '../app/index.js';
import type { JobList } from '../tasks/index.js';
import type { Releases } from './load-context.js';
import type { MadeApps } from './made-apps.js';

/** An app that can be closed when no requests are in flight. */
export interface LoadedApp extends App {
  /**
   * Runs the releases that factories registered with `ctx.onClose`, in reverse order. All run even if one throws; then the first error
   * is thrown. A second call returns the promise of the first. `over`: aborted when no time is left. Default: never.
   */
  close(over?: AbortSignal): Promise<void>;
  /** Periodic tasks that factories declared with `ctx.tasks`, for the service that serves it. */
  readonly tasks?: JobList | undefined;
  /** The apps that its factories have made, for descriptions. @internal */
  readonly made?: MadeApps | undefined;
}

/** Wraps an app in a new function with `close()`. The factory's own function may be shared, so it is not changed. */
export function loadedApp(app: App, releases: Releases, more: Omit<LoadedApp, 'close'> = {}): LoadedApp {
  let closing: Promise<void> | undefined;
  const loaded: App = (req, res) => app(req, res);
  return Object.assign(loaded, {
    ...more,
    close: (over = new AbortController().signal) => {
      closing ??= releases.run(over);
      return closing;
    },
  });
}
