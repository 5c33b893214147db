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
    .description('tell the service manager named by NOTIFY_SOCKET that the service is ready')
    .addHelpText(
      'after',
      '\nExample:\n  $ NOTIFY_SOCKET=/run/app/notify api-cli notify\n' +
        '\nStatus: 0, also when the service manager could not be told, which standard error says: sd_notify(3) is no reason to fail.\n',
    )
    .action(async () => {
      const path = process.env.NOTIFY_SOCKET ?? '';
      if (path === '') process.stderr.write('NOTIFY_SOCKET is not set: no service manager was told\n');
      else if (!(await notify())) {
        process.stderr.write(
          `the service manager was not told: no datagram could be sent to ${path}, which NOTIFY_SOCKET names\n` +
            '  A service manager must listen there, and systemd-notify, perl or python3 must be installed.\n',
        );
      }
    });

  program
    .command('wait-ready')
    .description('wait on NOTIFY_SOCKET for a service to become ready')
    .argument('<seconds>', 'how long to wait; fractions are allowed', seconds)
    .addHelpText(
      'after',
      '\nExample:\n  $ NOTIFY_SOCKET=/run/app/notify api-cli wait-ready 30\n' +
        '\nStatus: 0 ready; 1 something else came, or nothing could be waited for, which standard error explains;' +
        '\n2 nothing came in time, or the command line is wrong. Nothing may stand at that path yet.\n',
    )
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
  throw new UsageError(
    `${JSON.stringify(text)} is no number of seconds`,
    'Write a number, as in: api-cli wait-ready 30',
  );
}
