/**
 * What the launchers themselves can be told, resolved: from the configuration, or the defaults. All durations here are
 * in milliseconds.
 */
import type { RestartMethod } from './launch-arguments.js';

/** The options of `[DEFAULT]` that launchers read (launcher-options.ts declares them), in milliseconds. */
export interface LaunchSettings {
  /** How long a graceful stop may take; 0: for ever. */
  readonly gracefulShutdownTimeoutMs: number;
  /** A worker without a sign of life for so long is replaced; 0: never. */
  readonly workerTimeoutMs: number;
  /** How long a reload goes on trying when new workers do not start. */
  readonly reloadTimeoutMs: number;
  /** How long the child that checks a reload may take to load the application, and then to start; 0: for ever. */
  readonly reloadCheckTimeoutMs: number;
  /** Between "not ready any more" and "no new connections". */
  readonly drainDelayMs: number;
  readonly restartMethod: RestartMethod;
  readonly secondTerm: 'ignore' | 'force';
  readonly sigint: 'fast' | 'graceful';
  readonly sighupForeground: 'stop' | 'reload';
  /** More respawns of one service than this within `restartWindowMs` end the launch; 0: never. */
  readonly maxRestarts: number;
  readonly restartWindowMs: number;
  /** Reload when the files of the configuration have changed on disk. */
  readonly watchConfigFiles: boolean;
  /** Write all options to the log, at debug, when a launcher waits and after each reload. */
  readonly logOptions: boolean;
}

/** What holds when nothing is configured. */
export const DEFAULT_SETTINGS: LaunchSettings = Object.freeze({
  gracefulShutdownTimeoutMs: 60_000,
  workerTimeoutMs: 30_000,
  reloadTimeoutMs: 60_000,
  reloadCheckTimeoutMs: 60_000,
  drainDelayMs: 0,
  restartMethod: 'reload',
  secondTerm: 'ignore',
  sigint: 'fast',
  sighupForeground: 'stop',
  maxRestarts: 0,
  restartWindowMs: 0,
  watchConfigFiles: false,
  logOptions: true,
});
