/** A service that dies when it reads a message with the word `poison`, as it would by an error in a parser. */
import { createLogger } from 'portico';
import { RPCService } from 'portico/rpc';
import { gate } from '../../services.js';

const parse = JSON.parse;
JSON.parse = (text: string, ...more) => {
  if (String(text).includes('poison')) process.kill(process.pid, 'SIGKILL');
  return parse(text, ...more) as unknown;
};

const [transport, project, topic] = process.argv.slice(2) as [string, string, string];
const noted: string[] = [];
const three = gate();
const manager = {
  note: (_context: unknown, { id }: { id: string }) => {
    if (noted.push(id) === 3) three.open();
  },
  three: () => three.opened.then(() => noted.toSorted()),
};
const log = createLogger({ level: 'debug' });
const names = { binary: 'node-images', host: 'node', topic, project };
await RPCService.create({ ...names, registration: null, manager, transport, log }).start();
