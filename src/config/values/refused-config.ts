/** The configuration that a refusal is about, so that a program which ends for it can report all its other errors. */
import { ConfigurationRefused } from '../../errors/index.js';

const refused = new WeakMap<object, object>();

/** Notes the configuration that an error refuses. */
export function noteRefused(error: unknown, config: object): void {
  if (error instanceof ConfigurationRefused && !refused.has(error)) refused.set(error, config);
}

/** Returns the result of a step that reads a configuration; notes the configuration of a refusal. */
export function readingFrom<T>(config: object, step: () => T): T {
  try {
    return step();
  } catch (error) {
    noteRefused(error, config);
    throw error;
  }
}

/** Returns the configuration that an error refuses; undefined if that is not known. */
export function refusedConfig(error: unknown): unknown {
  return error instanceof ConfigurationRefused ? refused.get(error) : undefined;
}
