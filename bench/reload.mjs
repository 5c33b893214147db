// Measures a reload until clients see it, against the target: the new generation responds within half a second (median of 20). Runs once
// with two polling clients and once under the load of the fault kit. Needs a quiet machine, because most of the time is CPU time
// for starting processes; a bare start is measured for comparison.
//
//   npm run bench:reload            20 reloads each; status 1 if the target is missed
//   npm run bench:reload -- 5       5 reloads each
import './measure/environment.mjs';
import { spawnSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { FaultFleet } from '../dist-test/e2e/faults/fault-fleet.js';
import { describeLosses, describeTimes, printFigures, quantile, seconds } from '../dist-test/e2e/faults/figures.js';
import { reloads } from '../dist-test/e2e/faults/rows.js';

const TARGET_MS = 500;
const rounds = Number(process.argv[2] ?? 20);

const loads = {
  'reloads, two clients that look': { fresh: 2 },
  'reloads under load': { kept: 8, fresh: 8, slow: 3, large: 2, tlsKept: 3, tlsFresh: 2 },
};

/** Returns the median time of five starts of a process that does nothing. */
function bareStart() {
  const times = Array.from({ length: 5 }, () => {
    const begun = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - begun;
  });
  return quantile(times, 0.5);
}

printFigures('the machine', {
  node: process.version,
  processors: availableParallelism(),
  'processes that want one, last minute': loadavg()[0].toFixed(1),
  'a process that does nothing': seconds(bareStart()),
});

let missed = false;
for (const [row, kinds] of Object.entries(loads)) {
  const fleet = await FaultFleet.start({ secure: true });
  try {
    const { answered, lost, times, applied } = await reloads(fleet, rounds, kinds);
    const median = quantile(times, 0.5);
    const met = times.length === rounds && median <= TARGET_MS;
    missed ||= !met || lost.length > 0;
    printFigures(row, {
      applied: `${applied} of ${rounds}`,
      'answered, lost': `${answered}, ${describeLosses(lost)}`,
      'until the new generation answers': describeTimes(times),
      'until the reload is reported': describeTimes(fleet.events('reload').map(({ durationMs }) => durationMs)),
      [`target, ${seconds(TARGET_MS)} (median)`]: met ? 'met' : 'missed',
    });
  } finally {
    await fleet.end();
  }
}
process.exit(missed ? 1 : 0);
