/**
 * The sections of the configuration that nothing reads: each service knows which it has not declared once its application is loaded.
 */
import type { Config } from '../../config/index.js';
import type { Diagnostic } from '../../errors/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';

/** A service that knows which sections its program does not read. */
interface Knowing {
  /** Warnings of these sections, once it was built; undefined where its code may read any. */
  unknownSections?(config?: Config): Awaitable<readonly Diagnostic[] | undefined>;
}

/** Those of a service; undefined for one that may read any section. */
export async function unknownSectionsOf(
  service: ServiceBase & Knowing,
  config?: Config,
): Promise<readonly Diagnostic[] | undefined> {
  return service.unknownSections?.(config);
}

/** Those that no service of the program reads, and not the program itself. */
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
