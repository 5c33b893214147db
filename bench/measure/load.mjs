// The load: a process of its own that sends one request after another on each of a few connections, without
// pipelining, and looks at the status and length of every answer. Started by `load-process.mjs`.
import { Lane } from './lane.mjs';
import { sendPaced } from './paced-load.mjs';

/** Connections that wait for the next order of their session, by its name. */
const sessions = new Map();

process.on('message', (order) => {
  (order.rate === undefined ? run(order) : sendPaced(order).then((times) => ({ times }))).then(
    (facts) => process.send(facts),
    (error) => process.send({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit());

/**
 * Sends `count` requests; `fresh`: each on a connection of its own. Rejects at the first answer that is another.
 * `timed`: how long each answer took is told, in milliseconds, sorted. `session`: the connections are kept for the next order of that name, until one says `end`.
 */
async function run({ count = 0, connections, session, end = false, timed = false, ...how }) {
  const lanes = sessions.get(session) ?? Array.from({ length: connections ?? 0 }, () => new Lane(how));
  sessions.delete(session);
  const begun = process.hrtime.bigint();
  const requests = { left: count };
  const times = timed ? [] : undefined;
  const sleep = stayAwake();
  try {
    const answered = await Promise.all(lanes.map((lane) => lane.work(requests, times)));
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
    const total = answered.reduce((sum, each) => sum + each, 0);
    if (total !== count) throw new Error(`${count} requests were sent, ${total} answered`);
    if (session !== undefined && !end) sessions.set(session, lanes);
    return { answered: total, seconds, times: times?.sort((a, b) => a - b) };
  } finally {
    sleep();
    if (!sessions.has(session)) for (const lane of lanes) lane.end();
  }
}

/**
 * Asks for events without waiting for them, until the function it gives is called. Linux charges the waking of a process
 * that sleeps to the one that writes to it: a sixth of what Portico took for work 2, and nothing for whoever is so fast that
 * the load never sleeps.
 */
function stayAwake() {
  let awake = true;
  const again = () => {
    if (awake) setImmediate(again);
  };
  again();
  return () => {
    awake = false;
  };
}
