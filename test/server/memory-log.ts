/** A logger that keeps its lines. */
import type { LogFields, Logger, LogLevel } from '../../dist/log/log.js';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export function memoryLog(lines: LogLine[] = []): Logger & { readonly lines: LogLine[] } {
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  return {
    lines,
    level: 'debug',
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    notice: write('info'),
    child: () => memoryLog(lines),
    enabled: () => true,
  };
}
