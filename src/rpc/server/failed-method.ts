/**
 * What a method's error means: for the log, and for its caller. The same for calls of other processes and of this one.
 */
import { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { BadArguments, ServerShuttingDown } from '../errors.js';
import type { ServedMethod } from './endpoints.js';

/** Errors of methods whose names end so are logged, and their callers get null. */
const IGNORING = '_ignore_errors';

/** The server ended before the method did. What came back of a call that the method made speaks of another server. */
export function isCutOff(error: unknown): error is ServerShuttingDown {
  return error instanceof ServerShuttingDown && !('remote' in error);
}

/** The method may well end so: its server is in order. */
export function isExpected(error: unknown, { options }: ServedMethod): boolean {
  return isCutOff(error) || (options.expected?.some((each) => error instanceof each) ?? false);
}

/** The caller gets null instead. A method that was cut off has not failed: it may be called again. */
export function isIgnored(error: unknown, { name }: ServedMethod): boolean {
  return name.endsWith(IGNORING) && !isCutOff(error);
}

/** What failed, and of what. */
export interface Failure {
  /** The method, as logs call it. */
  readonly name: string;
  readonly error: unknown;
  readonly isExpected: boolean;
}

/** At error with its stack, one that is expected at debug and without. */
export function logFailure(
  log: Logger,
  { name, error, isExpected: expected }: Failure,
  facts: Readonly<Record<string, unknown>>,
): void {
  if (!expected) log.error(`${name} failed`, { err: error, ...facts });
  // Its message quotes arguments, and these are told at trace alone.
  else if (error instanceof BadArguments && !log.enabled('trace'))
    log.debug(`${name}: its arguments do not fit its schema`, { ...facts });
  else log.debug(`${name}: ${messageOf(error)}`, { ...facts });
}

function messageOf(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  return error instanceof Error ? error.message : String(error);
}
