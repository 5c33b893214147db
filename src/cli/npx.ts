/**
 * `npx api-cli` and `npx portico`: npm runs the program in a shell, which ends at TERM and leaves its child running.
 */
import { firstParent } from '../process/index.js';

const LOOK_MS = 200;

/** Calls `stop` when the shell between npx and this process has ended; does nothing if npx did not start it. */
export function stopWithNpx(stop: () => void, host: Pick<NodeJS.Process, 'env' | 'ppid'> = process): void {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script = '' } = host.env;
  if (event !== 'npx' || !/^["']?(?:api-cli|portico)\b/.test(script)) return;
  const timer = setInterval(() => {
    if (host.ppid === firstParent) return;
    clearInterval(timer);
    stop();
  }, LOOK_MS);
  timer.unref();
}
