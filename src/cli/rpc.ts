/**
 * `api-cli rpc`: remote calls, for those who operate the services that make and serve them.
 */
import type { Command } from 'commander';
import { registerDeadLetters } from './dead-letters.js';
import { example } from './option-values.js';
import { registerRemoteCalls } from './remote-call.js';
import { registerContract } from './rpc-contract.js';

export function register(program: Command): void {
  const rpc = program
    .command('rpc')
    .description('remote calls between services: what can be called, making calls, and what became of them')
    .addHelpText('after', example('api-cli rpc dead list'));
  registerRemoteCalls(rpc);
  registerContract(rpc);
  registerDeadLetters(rpc);
}
