/**
 * Reloads without a signal: the files a configuration rests on are watched, and read again when something else stands in
 * them.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Config, watchFiles } from '../../config/index.js';

/**
 * Calls back when the configuration files, or other files that were read with them (paste files, certificates), hold other
 * bytes than before and have been left alone for half a second. The function it gives ends that.
 *
 * Watching reports every change in the folders of the files, a log's or a socket's too; only other bytes count, since what
 * follows replaces all workers. A file that cannot be read counts as changed once it can again.
 */
export function watchConfiguration(config: Config, changed: () => void): () => void {
  const known = new Map<string, string>();
  /** True when a file that was known holds other bytes now; those that were not are known from now on. */
  const compare = (): boolean => {
    let differs = false;
    for (const path of watched(config)) {
      const digest = digestOf(path);
      if (digest === undefined) continue;
      differs ||= known.has(path) && known.get(path) !== digest;
      known.set(path, digest);
    }
    return differs;
  };
  const open = (): (() => void) => watchFiles(watched(config), () => compare() && changed());
  compare();
  let close = open();
  // An accepted configuration may rest on other files. Those that are known keep their digests: one may have changed
  // again since it was read.
  const forget = config.onMutate(() => {
    for (const path of watched(config)) if (!known.has(path)) known.set(path, digestOf(path) ?? '');
    close();
    close = open();
  });
  return () => {
    forget();
    close();
  };
}

function watched(config: Config): Set<string> {
  return new Set([...config.configFiles, ...config.filesRead]);
}

function digestOf(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('base64');
  } catch {
    return undefined;
  }
}
