// The machine and the versions of a run.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { versionsOf } from '../measure/install.mjs';

const SHOWN = ['fastify', '@fastify/middie', 'express', 'koa', 'hono', '@hono/node-server', '@nestjs/core'];

/** Returns the facts at the start of a run. */
export function machine() {
  const [first] = cpus();
  return {
    node: process.version,
    v8: process.versions.v8,
    kernel: `Linux ${release()}`,
    processors: `${availableParallelism()} × ${first?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    load: loadavg()[0].toFixed(2),
    versions: versionsOf(SHOWN),
    portico: JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version,
    begun: new Date().toISOString().slice(0, 16).replace('T', ' '),
  };
}

/** Returns the facts in a few sentences. */
export function describeMachine(
  { node, kernel, processors, memory, load, versions, begun },
  { rounds, seconds, quick },
) {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const busy = Number(load) > 0.5 ? ', so the machine was not quiet' : '';
  return [
    `Measured ${begun} UTC on ${processors}, ${memory}, ${kernel}, Node ${node.slice(1)}; ${packages.join(', ')}.`,
    `${rounds} ${rounds === 1 ? 'round' : 'rounds'} in ${seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} minutes`}${quick ? ' (--quick)' : ''}; load average before it ${load}${busy}.`,
    'Figures are medians, with the quartiles in brackets.',
  ].join('\n');
}
