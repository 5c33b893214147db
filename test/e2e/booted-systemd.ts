/** A separate systemd for a test: booted by systemd-nspawn from this machine's /usr, with an otherwise empty file system. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { endGroup, keepGroup, temporaryFolder } from '../fixtures/keeper.js';
import { NotifyListener } from '../fixtures/notify-listener.js';
import { type Outcome, Program } from './program.js';

/** Reason to skip a test that boots a systemd, or `false`. */
export const noSystemd: string | false =
  process.platform !== 'linux'
    ? 'systemd is of Linux'
    : process.getuid?.() !== 0
      ? 'only root can boot a systemd'
      : spawnSync('systemd-nspawn', ['--version']).error !== undefined
        ? 'systemd-nspawn is not installed (Debian: systemd-container)'
        : !existsSync('/sys/fs/cgroup')
          ? 'no cgroups are mounted'
          : false;

const BOOT_MS = 20_000;

export class BootedSystemd {
  readonly #nspawn: Program;
  readonly #leader: number;

  private constructor(nspawn: Program, leader: number) {
    this.#nspawn = nspawn;
    this.#leader = leader;
  }

  /** Boots a systemd that sees these folders, keyed by their paths inside. Returns the reason if this machine cannot boot one. */
  static async boot(folders: Readonly<Record<string, string>>): Promise<BootedSystemd | string> {
    const path = join(temporaryFolder('portico-boot-'), 'notify');
    const listener = new NotifyListener(path);
    await listener.listening;
    const binds = Object.entries(folders).map(([inside, outside]) => `--bind-ro=${outside}:${inside}`);
    const how =
      '--quiet --register=no --keep-unit --private-network --console=pipe --link-journal=no --notify-ready=yes';
    // Nothing on its network needs to be awaited.
    const kernel = ['systemd.unit=basic.target', 'systemd.mask=systemd-networkd-wait-online.service'];
    const words = [...how.split(' '), '--directory=/', '--volatile=yes', ...binds, '--boot', ...kernel];
    const nspawn = new Program('systemd-nspawn', words, { env: { NOTIFY_SOCKET: path } });
    const late = new AbortController();
    const impossible = Promise.race([
      nspawn.ended.then(({ code }) => `systemd-nspawn ended with ${code}`),
      after(BOOT_MS, `no systemd was ready within ${BOOT_MS / 1000} s`, late),
    ]);
    let leader = 0;
    const booted = listener.message('STATUS=').then(() => {
      // Its init process is in a separate process group, which does not end with systemd-nspawn.
      leader = Number(/X_NSPAWN_LEADER_PID=(\d+)/.exec(listener.messages.join('\n'))?.[1]);
      keepGroup(leader);
      return listener.message('READY=1');
    });
    const failure = await Promise.race([booted, impossible]);
    late.abort();
    listener.close();
    const systemd = new BootedSystemd(nspawn, leader);
    if (failure === undefined) return systemd;
    await systemd.end();
    return `${failure}: ${nspawn.output().trim().split('\n').slice(-3).join(' | ')}`;
  }

  /** Runs a command inside, as root, in this folder. */
  run(folder: string, command: string, ...words: readonly string[]): Promise<Outcome> {
    const entered = ['-t', String(this.#leader), '-a', '--', 'env', '-C', folder, command, ...words];
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' };
    return new Promise((settle) => {
      execFile('nsenter', entered, { env, cwd: '/' }, (error, stdout, stderr) => {
        settle({ status: error === null ? 0 : (error.code as number), stdout, stderr });
      });
    });
  }

  /** Kills the init process; the kernel then kills all other processes of the namespace. */
  async end(): Promise<void> {
    endGroup(this.#leader);
    await this.#nspawn.end();
  }
}
