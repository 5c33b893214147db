import { createLogger, type Logger } from 'portico';

/** One line of a log. */
export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly err?: { readonly type: string; readonly message: string; readonly stack: string; readonly code?: string };
}

/** Returns a logger and its lines. */
export function recordedLog(): { lines: Line[]; log: Logger; readonly messages: () => string[] } {
  const lines: Line[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
  return {
    lines,
    log: createLogger({ level: 'debug', destination: { write } }),
    messages: () => lines.map(({ msg }) => msg),
  };
}
