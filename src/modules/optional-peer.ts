/**
 * Packages that few programs need: optional peers, imported by what needs them.
 */
import { ConfigurationRefused } from '../errors/index.js';

/** A package that may be missing. */
export interface OptionalPeer {
  /** Of the error. */
  readonly code: string;
  /** What the configuration says that needs it. */
  readonly neededBy: string;
  /** As `npm install` takes it: `pg`, `rabbitmq-client@5`. */
  readonly spec: string;
}

/** What `load` imports. Rejects with `code` where the package is not installed; what goes wrong inside of it is told as it is. */
export async function importPeer<T>(load: () => Promise<T>, { code, neededBy, spec }: OptionalPeer): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const [name] = spec.split('@');
    const { code: reason, message } = cause as { readonly code?: unknown; readonly message?: string };
    if (reason !== 'ERR_MODULE_NOT_FOUND' || message?.includes(`'${name}'`) !== true) throw cause;
    throw new ConfigurationRefused(code, {
      message: `${neededBy} needs the package ${name}, which is not installed`,
      hint: `npm install ${spec}`,
      cause,
    });
  }
}
