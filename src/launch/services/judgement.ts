/**
 * Judgement of a configuration by the services that were built from it: each knows what its own code declares.
 */
import type { Config } from '../../config/index.js';
import { type Diagnostic, inOrder } from '../../errors/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';

/** A service that judges the configuration of its program. */
export interface Judging {
  /** Returns warnings after the build. Rejects with all mistakes of the program, also if `failure` has ended the build. Default: none. */
  judge?(failure?: unknown, config?: Config): Awaitable<readonly Diagnostic[]>;
}

/** Builds a service. Returns its findings in the configuration, and the release of the build. Rejects with all mistakes. */
export async function builtAndJudged(service: ServiceBase & Judging) {
  let failure: unknown;
  const letGo = await Promise.resolve(service.prepare?.()).catch((error: unknown) => {
    failure = error;
  });
  try {
    const found = (await service.judge?.(failure)) ?? [];
    if (failure === undefined) return { found, letGo };
  } catch (error) {
    await letGo?.();
    throw error;
  }
  throw failure;
}

const UNKNOWN_SECTION = 'PORTICO_CONFIG_UNKNOWN_SECTION';

/** Joins the findings of all services: a section is unknown if each of them says so. */
export function toldByAll(services: readonly (readonly Diagnostic[])[]): readonly Diagnostic[] {
  const isTold = (one: Diagnostic): boolean =>
    one.code !== UNKNOWN_SECTION || services.every((each) => each.some((other) => isSame(one, other)));
  return inOrder(services.flat().filter(isTold));
}

function isSame(one: Diagnostic, other: Diagnostic): boolean {
  return one.code === other.code && one.section === other.section && one.place?.detail === other.place?.detail;
}
