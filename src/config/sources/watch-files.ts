/**
 * Detects changes of files, for reloads without a signal. Watches folders rather than the files, because editors replace files, and each
 * folder on the way: a path may lead through links into other ones, as Kubernetes' `..data`, certbot's `live/` and `current -> releases/7`.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, join } from 'node:path';
import { type Places, placesOf } from '../link-places.js';
import { isConf } from './read-files.js';

/** Options of {@link watchFiles}. */
interface WatchOptions {
  /** Folders in which any file `*.conf` counts. */
  readonly dirs?: Iterable<string>;
  readonly quietMs?: number;
  /** Interval of looks at folders that cannot be watched. */
  readonly pollMs?: number;
  /** Called with a folder that cannot be watched, and the error. */
  readonly unwatched?: ((folder: string, error: unknown) => void) | undefined;
}

/** Longest time for which a file that is written again and again delays the call, in times of `quietMs`. */
const LONGEST = 10;

/**
 * Calls back when files have changed and then stayed unchanged for `quietMs`, or after ten times as long. Other files in their folders do
 * not matter. A folder that cannot be watched, because it is missing or the system has no free watch, calls back every `pollMs`: reading
 * again then finds what has changed. Does not keep the process alive. The returned function ends it.
 */
export function watchFiles(paths: Iterable<string>, changed: () => void, options: WatchOptions = {}): () => void {
  const { dirs = [], quietMs = 500, pollMs = 5000, unwatched } = options;
  const wanted = [...paths, ...[...dirs].map((dir) => join(dir, ANY_CONF))];
  const watchers = new Map<string, FSWatcher>();
  /** Folders that cannot be watched. */
  const missing = new Set<string>();
  let places: Places = new Map();
  let quiet: NodeJS.Timeout | undefined;
  let polling: NodeJS.Timeout | undefined;
  let since: number | undefined;

  const lacks = (folder: string, error: unknown): void => {
    if (!missing.has(folder)) unwatched?.(folder, error);
    missing.add(folder);
    watchers.get(folder)?.close();
    watchers.delete(folder);
    polling ??= setInterval(look, pollMs).unref();
  };
  const add = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        // The folder itself was moved or removed: another one may take its path.
        const isLost = event === 'rename' && name === basename(folder);
        if (isLost) {
          watcher.close();
          watchers.delete(folder);
        }
        if (isLost || counts(places.get(folder), name)) wait();
      });
      watchers.set(folder, watcher);
      watcher.on('error', (error) => lacks(folder, error));
      missing.delete(folder);
    } catch (error) {
      lacks(folder, error);
    }
  };
  /** Follows the links anew. A link that was changed before its folder was watched is found by the second look. */
  const follow = (): void => {
    for (let looks = 0; looks < 2; looks++) {
      places = placesOf(wanted);
      for (const [folder, watcher] of watchers) {
        if (places.has(folder)) continue;
        watcher.close();
        watchers.delete(folder);
      }
      for (const folder of places.keys()) if (!watchers.has(folder)) add(folder);
    }
    for (const folder of missing) if (!places.has(folder)) missing.delete(folder);
    if (missing.size > 0) return;
    clearInterval(polling);
    polling = undefined;
  };
  const look = (): void => {
    since = undefined;
    follow();
    changed();
  };
  const wait = (): void => {
    const now = performance.now();
    since ??= now;
    clearTimeout(quiet);
    quiet = setTimeout(look, Math.max(0, Math.min(quietMs, since + LONGEST * quietMs - now))).unref();
  };
  follow();
  return () => {
    clearTimeout(quiet);
    clearInterval(polling);
    for (const watcher of watchers.values()) watcher.close();
  };
}

/** Stands for all names of the kind. */
const ANY_CONF = '*.conf';

/** Reports whether an event with this name in a folder may concern what is watched. */
function counts(names: ReadonlySet<string> | undefined, name: string | null): boolean {
  if (name === null || names === undefined || names.has(name)) return true;
  return names.has(ANY_CONF) && isConf(name);
}
