/**
 * Sections of the configuration that no service reads: each service knows the undeclared ones after its application is
 * loaded.
 */
import type { Config } from '../../config/index.js';
import type { Diagnostic } from '../../errors/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';

/** A service that knows which sections its program does not read. */
interface Knowing {
  /** Returns warnings of these sections after the build; undefined if its code may read any section. */
  unknownSections?(config?: Config): Awaitable<readonly Diagnostic[] | undefined>;
}

/** Returns the sections that a service does not read; undefined if it may read any section. */
export async function unknownSectionsOf(
  service: ServiceBase & Knowing,
  config?: Config,
): Promise<readonly Diagnostic[] | undefined> {
  return service.unknownSections?.(config);
}

/** Returns the sections that neither the services nor the program reads. */
export function unknownToAll(
  config: Config | undefined,
  services: readonly (readonly Diagnostic[] | undefined)[],
): readonly Diagnostic[] {
  const [first, ...others] = services;
  if (config === undefined || first === undefined || first.length === 0) return [];
  const all = [...others, config.problems()];
  return first.filter((one) => all.every((each) => each?.some((other) => isSame(one, other)) === true));
}

function isSame(one: Diagnostic, other: Diagnostic): boolean {
  return one.code === other.code && one.section === other.section && one.place?.detail === other.place?.detail;
}
