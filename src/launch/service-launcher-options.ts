/**
 * What a `ServiceLauncher` can be told.
 */
import type { WorkerContext } from '../service/index.js';
import type { LauncherOptions } from './launcher.js';

/** What a {@link ServiceLauncher} can be told beyond what all launchers can. */
export interface ServiceLauncherOptions extends LauncherOptions {
  /** Start services side by side. Default false: one after another, in the order they were launched. */
  readonly concurrent?: boolean;
  /** The worker this launcher is the inside of. Default: none, the process is on its own. */
  readonly worker?: WorkerContext;
  /** Called once when a stop begins, for whatever reason. */
  readonly stopBegins?: () => void;
  /** Called when a stop had to cut work off, or failed. */
  readonly cutOff?: () => void;
  /** Told of a start that failed, instead of the log: a worker's parent logs it. */
  readonly startFailed?: (name: string, error: unknown) => void;
}

/** A process that is no worker. */
export const ALONE: WorkerContext = {
  id: 0,
  workers: 1,
  generation: 1,
  supervised: false,
  requestReplacement: () => undefined,
};
