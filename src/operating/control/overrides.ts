/** Settings that commands have changed in a running service, against its configuration. */
import type { Logger, LogLevel } from '../../log/index.js';
import { agoText, countText } from '../../text/index.js';
import type { LauncherStatus } from '../status.js';

/** Levels of the log that commands have set, until the next accepted reload. */
export class LogLevels {
  readonly #log: Logger;
  /** By service; undefined: all services. */
  readonly #set = new Map<string | undefined, { readonly level: LogLevel; readonly at: string }>();
  /** Level of this process without commands. */
  #own: LogLevel | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Sets the level of the workers of a service; without one, that of all processes. */
  set(level: LogLevel, service?: string): void {
    if (service === undefined) {
      this.#set.clear();
      this.#own ??= this.#log.level;
      this.#log.level = level;
    }
    this.#set.set(service, { level, at: new Date().toISOString() });
  }

  /** Returns the level for new workers of a service; undefined: that of the configuration. */
  of(service: string): LogLevel | undefined {
    return (this.#set.get(service) ?? this.#set.get(undefined))?.level;
  }

  /** Must be called before another configuration takes effect, which sets its level if that has changed. */
  reset(): void {
    this.#log.level = this.#own ?? this.#log.level;
    this.#own = undefined;
    this.#set.clear();
  }

  get overrides(): Override[] {
    const configured = this.#own ?? this.#log.level;
    return [...this.#set].flatMap(([service, { level: value, at: since }]) =>
      // A service may be set back against a level of all.
      value === configured && (service === undefined || !this.#set.has(undefined))
        ? []
        : [{ setting: 'log level', service, value, configured, since }],
    );
  }
}

/** A setting in force, and the one of the configuration. */
export interface Override {
  readonly setting: 'log level' | 'workers';
  readonly service: string | undefined;
  readonly value: LogLevel | number;
  readonly configured: LogLevel | number;
  /** ISO 8601. */
  readonly since: string;
}

/** Returns the settings that differ from the configuration. */
export function overridesOf(levels: LogLevels, { services }: LauncherStatus): Override[] {
  const resized = services.flatMap(({ name: service, wanted: value, configured, wantedSince: since }) =>
    value === configured ? [] : [{ setting: 'workers' as const, service, value, configured, since }],
  );
  return [...levels.overrides, ...resized];
}

/** `hello: log level debug, set 3h ago; the configuration says info`. */
export function describeOverride({ setting, service, value, configured, since }: Override): string {
  const what = setting === 'workers' ? countText(Number(value), 'worker') : `log level ${value}`;
  const ago = agoText((Date.now() - Date.parse(since)) / 1000);
  return `${service === undefined ? '' : `${service}: `}${what}, set ${ago}; the configuration says ${configured}`;
}
