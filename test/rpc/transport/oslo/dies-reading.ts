/** A service that dies when it reads a message with the word `poison`, as it would by a mistake in a parser. */
import { RPCService } from 'portico/rpc';

const parse = JSON.parse;
JSON.parse = (text: string, ...more) => {
  if (String(text).includes('poison')) process.kill(process.pid, 'SIGKILL');
  return parse(text, ...more) as unknown;
};

const [transport, project, topic] = process.argv.slice(2) as [string, string, string];
const manager = { who: () => 'node' };
const names = { binary: 'node-images', host: 'node', topic, project };
await RPCService.create({ ...names, registration: null, manager, transport }).start();
