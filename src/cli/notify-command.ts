/**
 * `api-cli notify` and `api-cli wait-ready`: the two ends of sd_notify(3), for scripts.
 */
import type { Command } from 'commander';
import { UsageError } from '../config/internal.js';
import { PorticoError } from '../errors/index.js';
import { notify, onReady } from '../launch/index.js';

/** Adds both commands. */
export function register(program: Command): void {
  program
    .command('notify')
    .description('tell the service manager at NOTIFY_SOCKET that the service is ready')
    .addHelpText(
      'after',
      '\nExample:\n  $ NOTIFY_SOCKET=/run/app/notify api-cli notify\n' +
        '\nStatus: 0, also if the notification failed, which is reported on standard error.\n',
    )
    .action(async () => {
      const path = process.env.NOTIFY_SOCKET ?? '';
      if (path === '') process.stderr.write('NOTIFY_SOCKET is not set: no service manager was notified\n');
      else if (!(await notify())) {
        process.stderr.write(
          `the service manager was not notified: no datagram could be sent to ${path} (NOTIFY_SOCKET)\n` +
            '  A service manager must listen there, and systemd-notify, perl or python3 must be installed.\n',
        );
      }
    });

  program
    .command('wait-ready')
    .description('wait on NOTIFY_SOCKET for a service to become ready')
    .argument('<seconds>', 'at most this long, such as 0.5', seconds)
    .addHelpText(
      'after',
      '\nExample:\n  $ NOTIFY_SOCKET=/run/app/notify api-cli wait-ready 30\n' +
        '\nStatus: 0 ready; 1 another message, or no wait was possible, as on standard error;' +
        '\n2 timeout, or a wrong command line. The socket must not exist yet.\n',
    )
    .action(async (timeout: number) => {
      const path = process.env.NOTIFY_SOCKET;
      if (path === undefined || path === '') {
        throw new PorticoError('PORTICO_NO_NOTIFY_SOCKET', {
          message: 'NOTIFY_SOCKET is not set',
          hint: 'Set it to the path of the socket to wait on, which is created and removed afterwards.',
        });
      }
      process.exitCode = await onReady(path, timeout);
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new UsageError(
    `${JSON.stringify(text)} is not a number of seconds`,
    'Write a number, such as: api-cli wait-ready 30',
  );
}
