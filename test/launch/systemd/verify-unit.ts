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
