/**
 * A log that a test can read.
 */
import { createLogger, type Logger, type LogLevel } from '../log/index.js';

/** Lines as they would be written, parsed. */
export interface CapturedLog {
  readonly log: Logger;
  /** Each line's facts; the message is `msg`, the level a word. */
  readonly lines: readonly Record<string, unknown>[];
  /** All of it as text: for asserting that a secret is nowhere in it. */
  readonly text: () => string;
}

/** A logger that keeps its lines. Default level: `debug`. */
export function captureLog(level: LogLevel = 'debug'): CapturedLog {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return {
    log: createLogger({ level, format: 'json', destination }),
    lines,
    text: () => lines.map((line) => JSON.stringify(line)).join('\n'),
  };
}
