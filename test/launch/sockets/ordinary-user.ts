import { chmodSync } from 'node:fs';

/** The uid of `nobody`; any user but root would do. */
const ORDINARY = 65_534;

/** Runs `work` in `folder`, as another user if the process runs as root, because file modes do not restrict root. */
export async function asOrdinaryUser(folder: string, work: () => Promise<void>): Promise<void> {
  const before = process.cwd();
  const user = process.geteuid?.();
  chmodSync(folder, 0o777);
  process.chdir(folder);
  if (user === 0) process.seteuid!(ORDINARY);
  try {
    await work();
  } finally {
    if (user === 0) process.seteuid!(user);
    process.chdir(before);
  }
}
