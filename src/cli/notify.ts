/**
 * `api-cli notify` and `api-cli wait-ready`: the two ends of sd_notify(3), for scripts.
 */
import type { Command } from 'commander';
import { PorticoError } from '../errors.js';
import { notify, onReady } from '../launch/index.js';

/** Adds both commands. */
export function register(program: Command): void {
  program
    .command('notify')
    .description('Tell the service manager named by NOTIFY_SOCKET that the service is ready.')
    .addHelpText('after', '\nExample:\n  $ NOTIFY_SOCKET=/run/app/notify api-cli notify\n')
    .action(async () => {
      await notify();
    });

  program
    .command('wait-ready')
    .description('Wait on NOTIFY_SOCKET for a service: status 0 ready, 1 something else came, 2 nothing came.')
    .argument('<seconds>', 'how long to wait; fractions are allowed', seconds)
    .addHelpText('after', '\nExample:\n  $ NOTIFY_SOCKET=/run/app/notify api-cli wait-ready 30\n')
    .action(async (timeout: number) => {
      const path = process.env.NOTIFY_SOCKET;
      if (path === undefined || path === '') {
        throw new PorticoError('PORTICO_NO_NOTIFY_SOCKET', {
          message: 'NOTIFY_SOCKET is not set',
          hint: 'Set it to the path of the socket to wait on; it is created, and removed afterwards.',
        });
      }
      process.exitCode = await onReady(path, timeout);
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new PorticoError('PORTICO_USAGE', {
    message: `${JSON.stringify(text)} is no number of seconds`,
    hint: 'Write a number, as in: api-cli wait-ready 30',
  });
}
