/**
 * Exit status and output of a command that failed.
 */
import { ConfigurationRefused, chosenStatus, describeError, PorticoError } from '../errors/index.js';
import { explainedError } from '../modules/index.js';

/** The configuration was refused: `EX_CONFIG` of sysexits.h. */
export const STATUS_REFUSED = 78;
/** Wrong command line. */
export const STATUS_USAGE = 2;
/** A running service refuses an argument: `EX_USAGE` of sysexits.h. */
const STATUS_ARGUMENT = 64;

/** A running service refuses a well-formed argument of a command. */
export class ArgumentRefused extends PorticoError {}

export function exitStatusOf(error: unknown): number {
  if (error instanceof ConfigurationRefused) return error.blamesConfiguration && !isIdle(error) ? STATUS_REFUSED : 1;
  if (error instanceof ArgumentRefused) return STATUS_ARGUMENT;
  const chosen = chosenStatus(error);
  if (chosen !== undefined) return chosen;
  // Any value can be thrown, even undefined.
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return code === 'PORTICO_USAGE' ? STATUS_USAGE : 1;
}

/**
 * A configuration that leaves nothing to serve, whose only error is that its paste file is missing, too: no API started, which is
 * 1 as in oslo's commands.
 */
function isIdle({ diagnostics }: ConfigurationRefused): boolean {
  const codes = diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code);
  const isMissing = (code: string): boolean => code === 'PORTICO_NO_APIS' || code === 'PORTICO_PASTE_NO_FILE';
  return codes.includes('PORTICO_NO_APIS') && codes.every(isMissing);
}

/** Returns the text for an operator. A refusal of the system, such as a full disk, is one line; an unexpected error has its stack. */
export function failureText(error: unknown): string {
  if (error instanceof ConfigurationRefused) return explainedError(error);
  if (!isSystemError(error) || error.name !== 'Error') return describeError(error);
  if (error.syscall === 'uv_cwd')
    return 'error: the working directory no longer exists (ENOENT)\n  Change to an existing directory.';
  return `error: ${error.message}`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  const { errno, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return error instanceof Error && typeof errno === 'number' && typeof syscall === 'string';
}

/** Time that a process has to end by itself. */
const FORGOTTEN_MS = 1000;

/** Ends the process with a status: by itself, or shortly after its output was read, whatever handles are open. */
export function endSoon(status?: number): void {
  if (status !== undefined) process.exitCode = status;
  process.stdout.write('', () => setTimeout(() => process.exit(), FORGOTTEN_MS).unref());
}
