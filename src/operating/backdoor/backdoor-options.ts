/**
 * The backdoor that the configuration enables. Its modules are loaded when it opens, because few processes have one.
 */
import { type Config, defineOptions, string } from '../../config/index.js';
import { crossCheck, isSet, writtenElsewhere } from '../../config/internal.js';
import type { Backdoor, BackdoorOptions } from './backdoor.js';
import { backdoorPorts } from './backdoor-ports.js';

/** `[DEFAULT]`: address of the backdoor. */
export const backdoorOptions = defineOptions('DEFAULT', {
  backdoor_port: string({
    help: 'Port of the backdoor, where anyone on this machine runs code without a password: N, N:M for the first free port, 0 for any. Default: off.',
    advanced: true,
  }),
  backdoor_socket: string({
    help: 'Unix socket of the backdoor, for this user only, in place of backdoor_port. {pid} is the process id.',
    advanced: true,
  }),
});

writtenElsewhere(backdoorOptions, { removed: { backdoor_supervisor: 'the parent of workers has no backdoor.' } });

crossCheck((config: Config) => {
  if (!isSet(config, 'DEFAULT', 'backdoor_port')) return [];
  const { backdoorPort } = config.group('DEFAULT', backdoorOptions, { partial: true });
  if (!backdoorPort) return [];
  try {
    backdoorPorts(backdoorPort);
    return [];
  } catch (error) {
    return [{ group: 'DEFAULT', opt: 'backdoor_port', message: (error as Error).message }];
  }
});

/** Opens the backdoor if the configuration enables it; otherwise returns null. Throws as `initializeBackdoor`. */
export async function initializeIfEnabled(
  config: Config,
  options: Omit<BackdoorOptions, 'port' | 'socket' | 'config'>,
): Promise<Backdoor | null> {
  const { backdoorPort: port, backdoorSocket: socket } = config.group('DEFAULT', backdoorOptions);
  if (port === undefined && socket === undefined) return null;
  const { initializeBackdoor } = await import('./backdoor.js');
  return initializeBackdoor({ ...options, config, port, socket });
}
