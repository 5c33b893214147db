/**
 * `npx api-cli`: npm runs it within a shell, which ends at TERM without telling its child.
 */

const LOOK_MS = 200;

/** Stops this process as TERM does when the shell between npx and it has ended; does nothing where npx did not start it. */
export function stopWithNpx(host: NodeJS.Process = process): void {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script = '' } = host.env;
  if (event !== 'npx' || !/^["']?api-cli\b/.test(script)) return;
  const parent = host.ppid;
  const timer = setInterval(() => {
    if (host.ppid === parent) return;
    clearInterval(timer);
    host.kill(host.pid, 'SIGTERM');
  }, LOOK_MS);
  timer.unref();
}
