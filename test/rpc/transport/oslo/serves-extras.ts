/** A service in a separate process. It tells its parent when it serves, when its method waits, and when that is cancelled. */

import { currentDeadline, type RequestContext } from 'portico/app';
import { RPCService } from 'portico/rpc';
import { silentLogger } from '#internal/log';
import { systemClock } from '#internal/tasks';
import { gate } from '../../services.js';

const [transport, project, topic] = process.argv.slice(2) as [string, string, string];

class Taken extends Error {
  readonly since = new Date(7);
}

const manager = {
  echo: (_context: unknown, { value }: { value: unknown }) => ({ value, left: currentDeadline()! - systemClock.now() }),
  fails: () => {
    throw new Taken('the name is taken');
  },
  async wait({ signal }: RequestContext) {
    const aborted = gate();
    signal!.addEventListener('abort', aborted.open);
    process.send!('waits');
    await aborted.opened;
    process.send!('cancelled');
  },
};
const names = { binary: 'node-images', host: 'west', topic, project };
const service = RPCService.create({ ...names, registration: null, manager, transport, log: silentLogger() });
await service.start();
process.once('disconnect', () => void service.stop());
process.send!('serves');
