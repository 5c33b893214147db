/** The build of an API and the import of its managers as one step, which reports the refusals of both. */
import type { Config } from '../../config/index.js';
import { Refusals } from '../../errors/index.js';
import type { ManagedService } from '../../managers/index.js';
import type { ApiApp } from './api-app.js';

/** Returns the release of the build. Rejects with all refusals, or with another error, after the release. */
export async function builtTogether(
  { app, managed }: { readonly app: ApiApp; readonly managed: ManagedService },
  pipeline: string,
  config: Config,
): Promise<() => Promise<void>> {
  const refusals = new Refusals();
  const letGo = await refusals.gather(() => app.prepare(pipeline, config));
  try {
    await refusals.gather(() => managed.find(config));
    refusals.refuse();
    return letGo!;
  } catch (error) {
    await letGo?.();
    throw error;
  }
}
