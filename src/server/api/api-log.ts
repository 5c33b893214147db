/** The log of a process that serves an API. */
import type { Config } from '../../config/index.js';
import { workerAssignment } from '../../config/internal.js';
import type { Logger, LogOption } from '../../log/index.js';
import { checkedLog } from '../../log/internal.js';

/** Returns the given log, or the application's, with the number of the worker. Throws `PORTICO_API_ARGUMENT` for a value that is no logger. */
export function processLog(config: Config, given: LogOption | undefined): Logger {
  const log = checkedLog('PORTICO_API_ARGUMENT', 'a WSGIService', given) ?? config.log;
  const worker = workerAssignment();
  return worker === undefined ? log : log.child({ workerId: worker.index });
}
