/** A pretended process of the launcher: it gets signals by `emit`. */
import { EventEmitter } from 'node:events';
import type { HostProcess } from '../../../dist/launch/process/host-process.js';

export function pretendedHost(exit: (status: number) => void): HostProcess & EventEmitter {
  const stream = Object.assign(new EventEmitter(), { writableLength: 0 });
  const facts = {
    pid: 1,
    env: {},
    argv: ['node', '/app/main.js'],
    execPath: 'node',
    execArgv: [],
    platform: 'linux',
    title: '',
    stdin: stream,
    stdout: stream,
    stderr: stream,
    exit,
  };
  return Object.assign(new EventEmitter(), facts) as unknown as HostProcess & EventEmitter;
}
