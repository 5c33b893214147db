// The common part of the processes of the rpc part: reports that it is ready, and makes calls on request, sixteen at a time.
//
//   stdin:  run 2000
//   stdout: ready, and after each run the milliseconds of each call, as JSON

import { createInterface } from 'node:readline';

/** The arguments and the result of a call: 200 bytes each. */
export const ASKED = {
  id: 'c0ffee00-5e6f-4a5b-8c7d-0123456789ab',
  flavor: 'm1.small',
  image: 'debian-12',
  count: 1,
  names: ['one', 'two', 'three'],
};
export const answer = ({ id, count }) => ({
  id,
  status: 'BUILD',
  host: 'node-17',
  links: [{ rel: 'self', href: `/servers/${id}` }],
  count,
});

const AT_A_TIME = 16;

/** Makes calls with `call` on request. */
export function callOnDemand(call) {
  const run = async (line) => {
    let left = Number(line.split(' ')[1]);
    const took = [];
    const caller = async () => {
      while (left-- > 0) {
        const begun = performance.now();
        const { id } = await call(ASKED);
        if (id !== ASKED.id) throw new Error(`a wrong answer: ${id}`);
        took.push(Math.round((performance.now() - begun) * 1000) / 1000);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, caller));
    console.log(JSON.stringify(took));
  };
  createInterface({ input: process.stdin }).on('line', (line) => void run(line));
  serveUntilEnd();
}

/** Serves until standard input ends. */
export function serveUntilEnd() {
  process.stdin.on('end', () => process.exit()).resume();
  console.log('ready');
}
