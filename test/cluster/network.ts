/** Simulates machines with network namespaces on a bridge, each of which can be cut off. Needs root and `ip` of iproute2. */
import { execFileSync, spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** False, or the reason why such a network is not possible here. */
export const withoutNetwork: string | false = whyNot();

const ip = (...words: readonly string[]): string => execFileSync('ip', words, { encoding: 'utf8' });

export class Network {
  /** The address of this machine on the bridge. */
  readonly gateway: string;
  readonly #bridge: string;
  readonly #subnet: string;
  readonly #machines = new Map<string, { readonly namespace: string; readonly cable: string }>();

  /** The network is removed after the test. */
  constructor(t: TestContext) {
    removeLeftOver();
    this.#bridge = `pnet${process.pid}`;
    this.#subnet = `10.213.${process.pid % 250}`;
    this.gateway = `${this.#subnet}.1`;
    t.after(() => this.#remove());
    ip('link', 'add', this.#bridge, 'type', 'bridge');
    ip('address', 'add', `${this.gateway}/24`, 'dev', this.#bridge);
    ip('link', 'set', this.#bridge, 'up');
  }

  add(name: string): void {
    const number = this.#machines.size + 2;
    const [namespace, cable] = [`${this.#bridge}-${name}`, `p${process.pid}v${number}`];
    this.#machines.set(name, { namespace, cable });
    ip('netns', 'add', namespace);
    ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('link', 'set', cable, 'master', this.#bridge, 'up');
    for (const device of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', device, 'up');
    ip('-n', namespace, 'address', 'add', `${this.#subnet}.${number}/24`, 'dev', 'eth0');
  }

  /** Returns the command prefix that runs a command on a machine; empty for this machine. */
  within(name: string): string[] {
    const machine = this.#machines.get(name);
    return machine === undefined ? [] : ['ip', 'netns', 'exec', machine.namespace];
  }

  /** Drops all packets to and from the machine. Neither side is notified. */
  cut(name: string): void {
    ip('link', 'set', this.#machines.get(name)!.cable, 'nomaster');
  }

  heal(name: string): void {
    ip('link', 'set', this.#machines.get(name)!.cable, 'master', this.#bridge);
  }

  #remove(): void {
    for (const { namespace, cable } of this.#machines.values()) {
      // A namespace exists until its last process has ended.
      spawnSync('ip', ['link', 'del', cable]);
      spawnSync('ip', ['netns', 'del', namespace]);
    }
    spawnSync('ip', ['link', 'del', this.#bridge]);
  }
}

/** Removes the networks of killed tests, whose processes have ended. */
function removeLeftOver(): void {
  const namespaces = ip('netns', 'list').split('\n');
  const names = new Set([...namespaces, ip('-brief', 'link')].join('\n').match(/^pnet\d+[^\s@]*/gm));
  for (const name of names) {
    const [, pid = ''] = /^pnet(\d+)/.exec(name)!;
    if (isAlive(Number(pid))) continue;
    spawnSync('ip', name.includes('-') ? ['netns', 'del', name] : ['link', 'del', name]);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `pnet${process.pid}-try`;
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (made.error !== undefined) return 'the ip command is not installed (Debian: iproute2)';
  if (made.status !== 0) return `no network namespace can be made: ${made.stderr.trim()}`;
  spawnSync('ip', ['netns', 'del', name]);
  return false;
}
