import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

/** The reason to skip a test that needs `systemd-analyze`, or `false`. */
export const systemdMissing: string | false =
  spawnSync('systemd-analyze', ['--version']).error === undefined ? false : 'systemd-analyze is not installed';

/**
 * Runs `systemd-analyze verify` on a unit file. Returns its status and its complaints about this unit. It loads the units of the machine
 * too and complains about them.
 */
export function verifyUnit(path: string): { readonly status: number | null; readonly complaints: readonly string[] } {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
  const ours = basename(path);
  const ofOthers = (line: string): boolean =>
    /^[\w@.\\-]+\.(?:service|socket|target|mount|timer): /.test(line) && !line.startsWith(`${ours}:`);
  return { status, complaints: stderr.split('\n').filter((line) => line !== '' && !ofOthers(line)) };
}

/** The reason to skip a test of {@link exposureOf}, or `false`. */
export const securityMissing: string | false =
  systemdMissing ||
  (!spawnSync('systemd-analyze', ['--help'], { encoding: 'utf8' }).stdout.includes('--offline') &&
    'systemd-analyze security has no --offline, as of systemd 250');

/** Returns the exposure of a unit file, from 0 to 10: `systemd-analyze security`. */
export function exposureOf(path: string): number {
  const words = ['security', '--offline=yes', '--no-pager', path];
  const { stdout } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
  return Number(/Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1]);
}
