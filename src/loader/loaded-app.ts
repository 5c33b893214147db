/**
 * The root of a pipeline: an App that knows how to release what its factories acquired.
 */
import type { App } from '../app/index.js';
import type { Releases } from './section-context.js';

/** An app that can be closed once nothing calls it any more. */
export interface LoadedApp extends App {
  /**
   * Runs what factories registered with `ctx.onClose`, in reverse order. All run even when one throws; then the first
   * error is thrown. A second call waits for the first and does nothing more.
   */
  close(): Promise<void>;
}

/** The app, in a function of its own: what a factory gave may be shared and is left as it is. */
export function loadedApp(app: App, releases: Releases): LoadedApp {
  let closing: Promise<void> | undefined;
  const loaded: App = (req, res) => app(req, res);
  return Object.assign(loaded, {
    close: () => {
      closing ??= releases.run();
      return closing;
    },
  });
}
