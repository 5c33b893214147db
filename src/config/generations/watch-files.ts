/**
 * Noticing that configuration files changed, for those who do not want to send a signal.
 */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

/** How changes are waited for. */
export interface WatchOptions {
  /** Time without a further change before `changed` is called, in milliseconds. Default 500. */
  readonly quietMs?: number;
}

/**
 * Calls back once files have changed and been quiet for a while. Their folders are watched and not the files themselves:
 * editors replace files, and Kubernetes turns a link beside them (`..data`). So a neighbour's change calls back too, and
 * reading again finds nothing new then. Keeps no process alive. The function returned ends it.
 */
export function watchFiles(paths: Iterable<string>, changed: () => void, options: WatchOptions = {}): () => void {
  const { quietMs = 500 } = options;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, quietMs).unref();
  };
  const watchers = [...new Set([...paths].map((path) => dirname(path)))].flatMap((folder) => watcherOf(folder, wait));
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

/** A folder that is gone, or a system without watches left, is no reason not to serve. */
function watcherOf(folder: string, notice: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, notice);
    return [watcher.on('error', () => watcher.close())];
  } catch {
    return [];
  }
}
