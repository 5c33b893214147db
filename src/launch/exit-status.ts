/**
 * Exit statuses of errors in launchers and workers: one table, the log line of such an error (with a stack unless it is
 * an error of the configuration), and its transfer from a worker to its parent.
 */
import type { Config } from '../config/index.js';
import { logFileOf } from '../config/internal.js';
import { ConfigurationRefused, chosenStatus, describeError, PorticoError, printDiagnostics } from '../errors/index.js';
import type { LogFields, Logger } from '../log/index.js';
import { tellUnhandled } from '../log/internal.js';
import type { EndReason } from '../operating/index.js';
import type { Assignment, WorkerFailure } from './worker-message.js';

/** Stopped on request; everything ended in time. */
export const STATUS_STOPPED = 0;
/** A start failed, a stop failed, requests were cut off, or SIGINT. */
export const STATUS_FAILED = 1;
/** An unhandled error ended a worker. */
const STATUS_UNHANDLED = 2;
/** The configuration was refused: `EX_CONFIG` of sysexits.h. */
export const STATUS_REFUSED = 78;

/** Reports whether an error blames the configuration, and not the code. */
export function isRefusal(error: unknown): boolean {
  // The paste file names a factory that failed, but the fault is in its code.
  if ((error as { blamesConfiguration?: unknown } | null | undefined)?.blamesConfiguration === false) return false;
  if (error instanceof ConfigurationRefused) return true;
  // An application may have loaded a second copy of this package, with other classes of the same names.
  for (let kind: unknown = error; kind instanceof Error; kind = Object.getPrototypeOf(kind)) {
    const name = kind.constructor.name;
    if (name === 'ConfigurationRefused' || name === 'ConfigError' || name === 'PasteError') return true;
    if (name === 'Error') return false;
  }
  return false;
}

/** Returns the exit status of a process whose service failed with this error. */
export function statusOf(error: unknown): number {
  return isRefusal(error) ? STATUS_REFUSED : (chosenStatus(error) ?? STATUS_FAILED);
}

/** Reports whether only a service can have chosen a status. */
export function isChosen(status: number | undefined): boolean {
  return status !== undefined && ![STATUS_STOPPED, STATUS_FAILED, STATUS_UNHANDLED, STATUS_REFUSED].includes(status);
}

/** Reports whether the application prints an error where its log would be: a refusal, in lines and not in JSON. */
export function isPrinted(
  error: unknown,
  { config, log }: { readonly config?: Config; readonly log?: unknown },
): boolean {
  if (log !== undefined || config?.has('DEFAULT', 'log_file') !== true) return false;
  return isRefusal(error) && logFileOf(config) === undefined;
}

/** Marks an error that was logged. */
const LOGGED = Symbol.for('portico.logged');

/** Reports whether a launcher has logged an error before it was thrown, so that it need not be printed again. */
export function wasLogged(error: unknown): boolean {
  return typeof error === 'object' && error !== null && LOGGED in error;
}

/** Logs one line at error. An error that Portico throws on purpose has its text and code, and no stack. */
export function logFailure(log: Logger, message: string, error: unknown, fields: LogFields = {}): void {
  if (error instanceof Error) Object.defineProperty(error, LOGGED, { value: true, configurable: true });
  if (error instanceof PorticoError) log.error({ ...fields, code: error.code }, `${message}: ${error.describe()}`);
  else log.error({ ...fields, err: error }, message);
}

/** Time that requests in progress have to end after an unhandled error, when the state of the process is unknown. */
export const CRASH_DRAIN_MS = 5000;

/** A rejection of an app has a response; only an error that its callers cannot catch ends the process. */
const NO_CALLER =
  'No caller handled this error. A filter must return the promise of its app: return app(req, res). Await all other promises, and ' +
  'catch errors in timers, event listeners and other callbacks.';

/**
 * Logs one line, with a stack unless it is an error of the configuration. Returns the exit status: 2, or the
 * one that the error requests.
 */
export function logUnhandled(log: Logger, error: unknown, facts: LogFields = {}): number {
  tellUnhandled((request) => {
    const told = { ...request, ...facts, ...(request.path !== undefined && { hint: NO_CALLER }) };
    if (isRefusal(error)) logFailure(log, 'Unhandled exception', error, told);
    else log.error({ ...told, err: error }, 'Unhandled exception');
  });
  const status = statusOf(error);
  return status === STATUS_FAILED ? STATUS_UNHANDLED : status;
}

/** Returns an error in the form that a worker sends to its parent. */
export function failureOf(error: unknown): WorkerFailure {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  const known = { code: typeof code === 'string' ? code : undefined, status: statusOf(error) };
  return error instanceof ConfigurationRefused
    ? { ...known, diagnostics: error.diagnostics }
    : { ...known, text: describeError(error) };
}

/** Returns the text of a failure for an operator: that of the worker, or its errors, each with its line of the file. */
export function textOf({ text, diagnostics = [] }: WorkerFailure): string {
  return text ?? printDiagnostics(diagnostics);
}

/** The end of a worker. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly uptimeMs: number;
  /** Failure that it reported before it ended. */
  readonly failure: WorkerFailure | undefined;
  /** Reason why it never served; undefined if it did. */
  readonly unready?: Error | undefined;
}

/** Fault for which a supervisor kills a worker. */
export interface Fault {
  readonly reason: EndReason;
  /** The end of a sentence that begins with the worker: `sent no heartbeat for 30 s`. */
  readonly what: string;
  readonly hint?: string;
}

/** Present activity of a worker: the module that it loads, and the stack that it is stuck in. */
interface Doing {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly stack: readonly string[] | undefined;
}

/** Returns the reason why a worker is not ready, or was not, as the end of a message. */
export function heldUp({ facts, stack }: Doing, verb: 'is' | 'was' = 'is'): string {
  const loading = typeof facts.loading === 'string' ? `; it ${verb} loading ${facts.loading}` : '';
  return stack === undefined ? loading : `${loading}; it ${verb} stuck in:\n${stack.join('\n')}`;
}

/** A worker that ended before it was ready. */
interface Unready {
  readonly assignment: Assignment;
  readonly beat: Doing;
  /** Reason for which its supervisor has killed it. */
  readonly killedFor: Fault | string | undefined;
}

/**
 * Returns the error of a launch whose worker ended before it was ready: with the message of the worker, if it sent one.
 */
export function startError(worker: Unready, exit: WorkerExit): Error {
  const { failure } = exit;
  if (failure === undefined) {
    const { assignment, beat, killedFor } = worker;
    const who = `worker ${assignment.index} of service ${assignment.service}`;
    if (typeof killedFor === 'object') {
      const { what, hint } = killedFor;
      const message = `${who} ${what} and was killed${heldUp(beat, 'was')}`;
      return new PorticoError('PORTICO_WORKER_FAILED', { message, hint });
    }
    const how = exit.signal === null ? `exited with status ${exit.code}` : `was killed by ${exit.signal}`;
    return new PorticoError('PORTICO_WORKER_FAILED', {
      message: `${who} ${how} before it was ready`,
      hint:
        exit.signal === null ? 'Does the application, or a module that it imports, call process.exit()?' : undefined,
    });
  }
  const { diagnostics } = failure;
  const message = textOf(failure);
  const code = failure.code ?? 'PORTICO_WORKER_FAILED';
  const details = diagnostics === undefined ? { message } : { message, diagnostics };
  if (failure.status === STATUS_REFUSED) return new ConfigurationRefused(code, details);
  // The launch ends with the status that the service chose.
  if (code === 'PORTICO_SERVICE_EXIT')
    return Object.assign(new PorticoError(code, { message }), { exitCode: failure.status });
  if (code.startsWith('PORTICO_')) return new PorticoError(code, details);
  return Object.assign(new PorticoError('PORTICO_WORKER_FAILED', { message }), { code });
}
