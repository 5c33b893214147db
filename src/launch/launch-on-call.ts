/** Loads the launchers when an application launches, so that an application's module, which imports `portico` too, does not load them. */
import type { ServiceBase } from '../service/index.js';
import type { LaunchOptions, ProcessLauncher, ServiceLauncher } from './launch.js';

/**
 * Launches a service, as `launch` of `portico/launch`: returns its launcher; `await` its `wait()` next.
 *
 * ```ts
 * const launcher = await launch(new WSGIService('books', config), { workers: 2 });
 * process.exitCode = await launcher.wait();
 * ```
 */
export async function launch(
  service: ServiceBase,
  options?: LaunchOptions,
): Promise<ServiceLauncher | ProcessLauncher> {
  const launchers = await import('./launch.js');
  return launchers.launch(service, options);
}
