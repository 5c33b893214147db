import { chmodSync } from 'node:fs';

/** Any user but root. */
const ORDINARY = 65_534;

/** Runs `work` in `folder`, as another user where this one is root, whom modes of files do not hold back. */
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
