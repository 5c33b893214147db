// The load: a separate process that sends one request after another on each of a few connections, without pipelining, and checks the
// status and length of every response. Started by `load-process.mjs`.
import { Lane } from './lane.mjs';
import { sendPaced } from './paced-load.mjs';

/** Connections that wait for the next order of their session, by the session's name. */
const sessions = new Map();

process.on('message', (order) => {
  (order.rate === undefined ? run(order) : sendPaced(order).then((times) => ({ times }))).then(
    (facts) => process.send(facts),
    (error) => process.send({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit());

/**
 * Sends `count` requests, with `fresh` each on a new connection. Rejects at the first unexpected response. `timed`: returns the sorted
 * response times in milliseconds. `session`: keeps the connections for the next order with that name, until an order has `end`.
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
 * Polls for events without sleeping, until the returned function is called. Linux charges the wake-up of a sleeping process to the
 * process that writes to it: a sixth of Portico's time for work 2, and nothing for a server so fast that the load never sleeps.
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
