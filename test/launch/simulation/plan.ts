/** The services that an application runs, and what reloads make of them. */
import type { ListenAddress } from 'portico/service';
import type { Random } from '../../simulation/random.js';

interface PlannedEntry {
  readonly workers: number;
  readonly addresses: readonly ListenAddress[];
  /** True if each worker has its own socket. */
  readonly hasSlots: boolean;
}

/** Services by name. */
export type Plan = ReadonlyMap<string, PlannedEntry>;

const NAMES = ['a', 'b', 'c', 'd'];
const PORTS = [8001, 8002, 8003, 8004];

/** Returns the plan of a reload; without services, that of a launch. */
export function nextPlan(random: Random, before: Plan): Plan {
  const plan = new Map(before);
  if (plan.size === 0) {
    for (let i = 1 + random.below(3); i > 0; i--) add(random, plan, []);
    return plan;
  }
  const free: number[] = [];
  if (plan.size > 1 && random.chance(0.25)) free.push(...remove(random, plan));
  if (plan.size < 3 && random.chance(0.25)) add(random, plan, free);
  for (const [name, entry] of plan) {
    if (before.has(name) && random.chance(0.2)) plan.set(name, { ...entry, workers: workers(random) });
  }
  return plan;
}

function remove(random: Random, plan: Map<string, PlannedEntry>): number[] {
  const name = random.pick([...plan.keys()]);
  const ports = portsOf(plan.get(name)!);
  plan.delete(name);
  return ports;
}

/** Adds a service: at addresses of a removed one, at free ones, or, rarely, at one in use. */
function add(random: Random, plan: Map<string, PlannedEntry>, left: readonly number[]): void {
  const used = new Set([...plan.values()].flatMap(portsOf));
  const free = PORTS.filter((port) => !used.has(port));
  const ports = left.length > 0 && random.chance(0.7) ? left : [random.pick(random.chance(0.95) ? free : PORTS)];
  const name = random.pick(NAMES.filter((each) => !plan.has(each)));
  const addresses = random.chance(0.1) ? [] : ports.map((port) => ({ host: '127.0.0.1', port }));
  plan.set(name, { workers: workers(random), addresses, hasSlots: random.chance(0.8) });
}

/** Rarely so many that a roll replaces several at a time. */
function workers(random: Random): number {
  return random.chance(0.02) ? 8 + random.below(5) : 1 + random.below(4);
}

function portsOf({ addresses }: PlannedEntry): number[] {
  return addresses.map((address) => (address as { readonly port: number }).port);
}
