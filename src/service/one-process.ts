/** Whether one process serves everything. */
import { type Config, defineOptions, integer } from '../config/index.js';

/** Its option, of those that choose what an application serves. */
export const oneProcessOptions = defineOptions('DEFAULT', {
  workers: integer({
    restart: true,
    sampleDefault: 'by each API',
    help: '0: one process serves all APIs and services, without workers, for containers with one worker. Nothing replaces it: worker_timeout, a crash and a memory limit end the process. Other numbers belong in the section of an API.',
  }),
});

/** Reports whether one process serves all APIs and services, without workers: `[DEFAULT] workers = 0`. */
export function isOneProcess(config: Config): boolean {
  if (!config.has('DEFAULT', 'workers')) config.register('DEFAULT', oneProcessOptions);
  return config.resolve('DEFAULT', 'workers').value === 0;
}
