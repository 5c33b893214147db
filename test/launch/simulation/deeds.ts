/** Requests to a launcher, and mishaps of its workers. */
import type { PretendedWorker } from './pretended-worker.js';
import type { Simulation } from './simulation.js';

/** Requests something, or lets something happen. */
export function act(sim: Simulation): void {
  const { random, core, runner, host, settings } = sim;
  const services = runner.supervisor.pools.map(({ name }) => name);
  const service = services.length === 0 ? 'a' : random.pick(services);
  const serving = sim.alive.filter(({ state, first }) => state === 'ready' && !first.builds);
  const request = (text: string, work: () => Promise<unknown>): void => {
    sim.say(text);
    sim.track(text, work());
  };
  const happen = (text: string, to: readonly PretendedWorker[], deed: (worker: PretendedWorker) => void): void => {
    if (to.length === 0) return;
    const worker = random.pick(to);
    sim.say(`${worker.name} ${text}`);
    deed(worker);
  };
  const signal = (name: string): void => {
    sim.say(name);
    host.emit(name);
  };
  const wears = (worker: PretendedWorker): void => {
    worker.wornOut = true;
    worker.say({ kind: 'replace', reason: 'exhausted' });
  };
  const deeds = {
    reload: () => {
      sim.invariants.superseded();
      request('reload', () => core.reloadOnceLaunched());
    },
    hangUp: () => {
      sim.invariants.superseded();
      signal('SIGHUP');
      // To the whole process group: a worker asks for its replacement, unless its parent changes it in place.
      if (runner.settings.restartMethod === 'reload' && random.chance(0.3)) for (const each of serving) wears(each);
    },
    dryRun: () => request('dry run', () => core.reloadOnceLaunched({ dryRun: true })),
    restart: () => request(`restart ${service}`, () => runner.fleet.restart(service)),
    scale: () => {
      const workers = random.below(6);
      sim.invariants.asked(service);
      request(`scale ${service} to ${workers}`, () => runner.fleet.scale(service, workers));
    },
    more: () => {
      for (const each of services) sim.invariants.asked(each);
      signal(random.pick(['SIGTTIN', 'SIGTTOU']));
    },
    ask: () => request('ask', () => runner.ask('topic', undefined, 1000)),
    dies: () =>
      happen('dies', sim.alive, (worker) =>
        random.chance(0.5) ? worker.end(random.below(3), null) : worker.end(null, 'SIGKILL'),
      ),
    pauses: () => happen('pauses', serving, (worker) => worker.hang(random.between(100, 3500))),
    hangs: () => {
      const all = sim.limits.end ? sim.alive.filter(({ knownReady }) => knownReady) : serving;
      if (sim.limits.hang) happen('hangs', all, (worker) => worker.hang());
    },
    wears: () => happen('asks for its replacement', serving, wears),
    grows: () =>
      happen('grows', serving, (worker) => {
        worker.rss = 300 * 2 ** 20;
      }),
    falls: () =>
      happen('closes its channel', sim.alive, (worker) => worker.hangUp(sim.limits.end && random.chance(0.5))),
    weather: () => {
      sim.weather = random.pick(['calm', 'rough', 'storm', 'plague']);
      sim.say(`the weather is ${sim.weather}`);
    },
    registry: () => {
      sim.isRegistryAway = !sim.isRegistryAway;
      sim.say(`the registry ${sim.isRegistryAway ? 'is away' : 'comes back'}`);
    },
    squatter: () => {
      const address = JSON.stringify({ host: '127.0.0.1', port: random.pick([8001, 8002, 8003, 8004]) });
      sim.say(`another program has, or leaves, ${address}`);
      if (!sim.sockets.foreign.delete(address)) sim.sockets.foreign.add(address);
    },
    settings: () => {
      const now = random.pick<object>([{ reloadTimeoutMs: 3000 }, { drainDelayMs: 500 }, { maxMemory: 0 }]);
      sim.say(`the next settings have ${JSON.stringify(now)}`);
      Object.assign(settings, now);
    },
  };
  const weights = { reload: 4, hangUp: 1, dryRun: 0.5, restart: 2, scale: 2, more: 1, ask: 0.5, dies: 4, pauses: 2 };
  const mishaps = { hangs: 1, wears: 3, grows: 1, falls: 0.7, weather: 2, registry: 1, squatter: 0.5, settings: 0.5 };
  deeds[random.weighted({ ...weights, ...mishaps })]();
}

/** Begins a stop, and perhaps another one during it. */
export function stop(sim: Simulation): void {
  const { random, core, host, clock } = sim;
  const how = random.pick(['SIGTERM', 'SIGTERM', 'SIGINT', 'stop()', 'crash'] as const);
  sim.say(`stop by ${how}`);
  sim.invariants.stopAsked = true;
  if (how === 'stop()') sim.track('stop()', core.stop());
  else if (how === 'crash') host.emit('uncaughtException', new Error('a crash of the program'));
  else host.emit(how);
  if (!random.chance(0.3)) return;
  const again = random.pick(['SIGTERM', 'SIGINT', 'SIGTERM']);
  clock.after(random.between(0, 3000), () => {
    sim.say(again);
    host.emit(again);
  });
}
