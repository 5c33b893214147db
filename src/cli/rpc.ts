/**
 * `api-cli rpc`: remote calls, for those who operate the services that make and serve them.
 */
import type { Command } from 'commander';
import { registerDeadLetters } from './dead-letters.js';
import { example } from './option-values.js';
import { registerRemoteCalls } from './remote-call.js';

export function register(program: Command): void {
  const rpc = program
    .command('rpc')
    .description('remote calls between services: make them, and see what became of them')
    .addHelpText('after', example('api-cli rpc dead list'));
  registerRemoteCalls(rpc.exitOverride());
  registerDeadLetters(rpc);
}
