// memory:// and a plain call of the same function in one process. Prints microseconds of CPU time per call, as JSON.
import { createLogger } from 'portico';
import { RPCConnection, RPCService } from 'portico/rpc';
import { ASKED, answer } from './peer.mjs';

class Servers {
  async build(_context, args) {
    return answer(args);
  }
}

const log = createLogger({ level: 'silent' });
const transport = 'memory://bench';
const service = RPCService.create({
  binary: 'portico-bench',
  topic: 'bench',
  host: 'bench',
  manager: Servers,
  registration: null,
  transport,
  log,
});
await service.start();
const connection = new RPCConnection({ transport, log });
const client = connection.client({ topic: 'bench' });
const context = { request_id: 'req-1', user_id: 'me' };
const servers = new Servers();
const plain = await microsOf((args) => servers.build(context, args), 400_000);
const memory = await microsOf((args) => client.call(context, 'build', args), 20_000);
console.log(JSON.stringify({ plain, memory }));
await connection.close();
await service.stop();

async function microsOf(call, calls) {
  await run(call, calls / 4);
  const before = process.cpuUsage();
  await run(call, calls);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

async function run(call, calls) {
  let left = calls;
  const caller = async () => {
    while (left-- > 0) await call(ASKED);
  };
  await Promise.all(Array.from({ length: 16 }, caller));
}
