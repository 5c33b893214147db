/**
 * Options of the backdoor.
 */
import { defineOptions, string } from '../../config/index.js';

/** `[DEFAULT]`: address of the backdoor. */
export const backdoorOptions = defineOptions({
  backdoor_port: string({
    help: 'Port of the backdoor, through which anyone on this machine can run code in the process without a password: N, N:M for the first free port in this range, or 0 for any free port. Default: off.',
  }),
  backdoor_socket: string({
    help: 'Unix socket of the backdoor, which only this user can open. {pid} is replaced with the process id. Takes precedence over backdoor_port.',
  }),
});
