/** Requests of clients, and mishaps of processes, of the network and of the broker. */
import { Errand, type Fate } from './errand.js';
import type { Client } from './peers.js';
import type { Simulation } from './simulation.js';

/** Requests something, or lets something happen. */
export function act(sim: Simulation): void {
  const { random, broker } = sim;
  const peers = sim.peers.filter(({ isRunning }) => isRunning);
  const connections = peers.flatMap((peer) => [...peer.connections]).filter(({ state }) => state === 'open');
  const any = <T>(list: readonly T[], deed: (one: T) => void): void => {
    if (list.length > 0) deed(random.pick(list));
  };
  const deeds = {
    call: () => any(sim.clients, (client) => request(sim, client, 'call')),
    cast: () => any(sim.clients, (client) => request(sim, client, 'cast')),
    fanout: () => any(sim.clients, (client) => request(sim, client, 'fanout')),
    notice: () => any(sim.clients, (client) => request(sim, client, 'notice')),
    burst: () =>
      any(sim.clients, (client) => {
        for (let i = 3 + random.below(8); i > 0; i--) request(sim, client, random.pick(['call', 'cast']));
      }),
    cut: () =>
      any(connections, (connection) => {
        sim.say(`a connection of ${connection.peer.name} is cut`);
        connection.lose(false);
      }),
    stall: () =>
      any(connections, (connection) => {
        sim.say(`a connection of ${connection.peer.name} is silent`);
        connection.lose(true);
      }),
    away: () =>
      any(peers, (peer) => {
        const ms = random.between(500, 20_000);
        sim.say(`${peer.name} cannot reach the broker for ${Math.round(ms)} ms`);
        peer.away = sim.clock.now() + ms;
        for (const connection of peer.connections) connection.lose(random.chance(0.3));
      }),
    restart: () => sim.restartBroker(random.between(100, 10_000)),
    alarm: () => sim.alarm(!sim.isAlarmed),
    refusals: () => {
      sim.refusals = random.below(4);
      sim.say(`the broker refuses ${sim.refusals} messages`);
    },
    doubles: () => {
      sim.doubles = 1 + random.below(4);
      sim.say(`the network doubles ${sim.doubles} messages`);
    },
    crash: () =>
      any(peers, (peer) => {
        sim.say(`${peer.name} dies`);
        sim.crash(peer);
      }),
    stop: () =>
      any(peers, (peer) => {
        const graceful = random.chance(0.8);
        const deadlineMs = random.chance(0.5) ? Math.round(random.between(500, 8000)) : undefined;
        sim.say(`${peer.name} stops, ${graceful ? 'graceful' : 'forced'}, deadline ${deadlineMs}`);
        sim.stop(peer, { graceful, ...(deadlineMs !== undefined && { deadlineMs }) });
      }),
    start: () => sim.startPeer(random.pick(['server', 'server', 'client', 'listener'])),
    takes: () =>
      any(
        [...broker.queues.values()].filter(({ name }) => /works(?!.fanout)|notifications|reply/.test(name)),
        ({ name }) => {
          sim.say(`an administrator deletes ${sim.shown(name)}`);
          broker.delete(name);
        },
      ),
    weather: () => {
      sim.weather = random.pick(['calm', 'slow', 'rough']);
      sim.say(`the weather is ${sim.weather}`);
    },
    letters: () => sim.operate(random.pick(['list', 'replay'])),
    clock: () => {
      const ms = Math.round(random.between(-100_000, 100_000));
      sim.say(`the wall clock is set by ${ms} ms`);
      sim.wallMs += ms;
    },
  };
  const requests = { call: 6, cast: 4, fanout: 1, notice: 2, burst: 2 };
  const mishaps = {
    cut: 2,
    stall: 0.7,
    away: 0.7,
    restart: 0.4,
    alarm: 0.5,
    refusals: 0.5,
    doubles: 1,
    takes: 0.3,
    weather: 1,
  };
  const processes = { crash: 1, stop: 1.2, start: 2, letters: 0.4, clock: 0.2 };
  deeds[random.weighted({ ...requests, ...mishaps, ...processes })]();
}

/** Sends something. */
export function request(sim: Simulation, client: Client, kind: Errand['kind'], calm = false): Errand {
  const { random, clock } = sim;
  const n = sim.errands.length;
  const isBrief = kind === 'fanout' || random.chance(0.6) || !sim.counts;
  const method = kind === 'notice' ? 'notice' : isBrief ? 'once' : 'late';
  const hosts = ['north', 'south'];
  const server = kind !== 'fanout' && kind !== 'notice' && random.chance(0.3) ? random.pick(hosts) : undefined;
  const timeoutMs = Math.round(calm ? 30_000 : random.between(300, random.pick([3000, 30_000, 60_000])));
  const monitorMs = kind === 'call' && random.chance(0.3) ? Math.round(random.between(2000, 6000)) : undefined;
  const errand = new Errand({
    n,
    kind,
    method,
    to: server ?? 'any',
    from: client.name,
    fate: fateOf(sim, method, calm),
    at: clock.now(),
    until: clock.now() + (kind === 'call' ? timeoutMs : kind === 'notice' ? 30_000 : 30_000),
    monitorMs,
  });
  sim.errands.push(errand);
  const { ms, how } = errand.fate;
  sim.say(
    `${client.name}: ${errand.name}, ${Math.round(ms)} ms, ${how}, within ${Math.round(errand.until - errand.at)}`,
  );
  const abort = new AbortController();
  const signal = kind === 'call' && !calm && random.chance(0.1) ? abort.signal : undefined;
  if (signal !== undefined) {
    clock.after(random.between(0, timeoutMs), () => {
      errand.abortedAt ??= clock.now();
      abort.abort(new Error('the caller has changed its mind'));
    });
  }
  const rpc = client.rpc.client({
    topic: 'works',
    ...(server !== undefined && { server }),
    ...(kind === 'fanout' && { fanout: true }),
    ...(kind === 'call' && { timeout: timeoutMs / 1000 }),
    ...(monitorMs !== undefined && { callMonitorTimeout: monitorMs / 1000 }),
    ...(kind === 'cast' && random.chance(0.2) && { ttl: random.between(1, 20) }),
    ...(signal !== undefined && { signal }),
  });
  const send = {
    call: () => rpc.call(sim.context(), method, { n }),
    cast: () => rpc.cast(sim.context(), method, { n }),
    fanout: () => rpc.cast(sim.context(), method, { n }),
    notice: () => client.notifier.info(sim.context(), 'works.changed', { n }),
  };
  sim.follow(client, errand, send[kind]());
  return errand;
}

function fateOf({ random, weather }: Simulation, method: Errand['method'], calm: boolean): Fate {
  const bad = calm ? 0 : weather === 'rough' ? 0.3 : 0.1;
  const how = random.weighted({
    ok: 1 - bad,
    throws: method === 'notice' ? 0 : bad * 0.4,
    retryable: bad * 0.4,
    heeds: method === 'notice' ? 0 : bad * 0.3,
    endless: method === 'notice' ? 0 : bad * 0.2,
  });
  const ms = random.between(0, calm ? random.pick([50, 9000]) : random.pick([1, 50, 1000, 8000]));
  return { how, ms: how === 'heeds' ? ms * 5 : ms, times: 1 + random.below(8) };
}
