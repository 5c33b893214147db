/** Settings that commands have changed in a running service, against its configuration. */
import type { LogLevel } from '../../log/index.js';
import { formatDuration } from '../../text/index.js';
import type { LauncherStatus } from '../launcher-status.js';

/** A level of the log that a command has set. */
interface SetLevel {
  readonly level: LogLevel;
  readonly configured: LogLevel;
  /** ISO 8601. */
  readonly at: string;
  /** The configuration in force then: the next one resets the level. */
  readonly generation: number;
}

/** Levels by service; undefined: all services. */
export type SetLevels = Map<string | undefined, SetLevel>;

/** A setting in force, and the one of the configuration. */
export interface Override {
  readonly setting: 'log level' | 'workers';
  readonly service: string | undefined;
  readonly value: LogLevel | number;
  readonly configured: LogLevel | number;
  /** ISO 8601. */
  readonly since: string;
}

/** Records a level; one for all services replaces those of single ones. `present`: that of this process until now. */
export function noteLevel(
  levels: SetLevels,
  {
    service,
    present,
    ...set
  }: Pick<SetLevel, 'level' | 'generation'> & { service?: string | undefined; present: LogLevel },
): void {
  const known = [...levels.values()].find(({ generation }) => generation === set.generation);
  if (service === undefined) levels.clear();
  levels.set(service, { ...set, configured: known?.configured ?? present, at: new Date().toISOString() });
}

/** Returns the settings that differ from the configuration. */
export function overridesOf(levels: SetLevels, { generation, services }: LauncherStatus): Override[] {
  const set = [...levels].flatMap(([service, { level: value, configured, at: since, generation: then }]) =>
    then !== generation || value === configured
      ? []
      : [{ setting: 'log level' as const, service, value, configured, since }],
  );
  const resized = services.flatMap(({ name: service, wanted: value, configured, wantedSince: since }) =>
    value === configured ? [] : [{ setting: 'workers' as const, service, value, configured, since }],
  );
  return [...set, ...resized];
}

/** `hello: log level debug, set 3h ago; the configuration says info`. */
export function describeOverride({ setting, service, value, configured, since }: Override): string {
  const what = setting === 'workers' ? `${value} workers` : `log level ${value}`;
  const ago = formatDuration(Math.max(0, Date.now() - Date.parse(since)) / 1000);
  return `${service === undefined ? '' : `${service}: `}${what}, set ${ago} ago; the configuration says ${configured}`;
}
