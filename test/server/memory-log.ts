/** A logger that keeps its lines. */

import type { Logger, LogLevel } from '../../dist/log/log.js';
import { type LogFields, lineParts } from '../../dist/log/log-arguments.js';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export function memoryLog(lines: LogLine[] = []): Logger & { readonly lines: LogLine[] } {
  const write =
    (level: LogLevel) =>
    (...line: readonly unknown[]): void => {
      const [fields, message] = lineParts(line[0], line.slice(1));
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
