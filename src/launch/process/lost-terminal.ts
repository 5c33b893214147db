/**
 * The end of a process whose terminal was closed while it ran.
 */
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { HostProcess } from './host-process.js';

const STANDARD_STREAMS = [0, 1, 2];

/**
 * Makes the process end with the status it chose although its terminal is gone: Node restores the modes of the terminals
 * it began with, and aborts where that fails (`ResetStdio`). Descriptors of terminals that are none any more are closed.
 */
export function outliveTerminal(host: HostProcess): void {
  const terminals = STANDARD_STREAMS.filter((descriptor) => isatty(descriptor));
  if (terminals.length === 0) return;
  host.on('exit', () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) close(descriptor);
  });
}

function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // Closed already.
  }
}
