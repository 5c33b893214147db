/** The part of `api-cli` in a validation: errors in the files of the configuration, and in services that other processes build. */
import type { Validating } from '../../launch/internal.js';
import { type Names, namesIn } from '../../server/internal.js';
import { fileErrors } from './file-errors.js';
import { asLogged } from './plan.js';

/** Returns the part of a process that builds only the service of that section; without one, of a process that builds all. */
function partOf(own: string | undefined, others: readonly string[]): Required<Pick<Validating, 'program'>> {
  const program: Validating = {
    own,
    others,
    findings: fileErrors,
    // A service that another process builds may read a name without a declaration.
    complete: async (refusals, config) => {
      const { apis, services } = namesIn(config);
      if (apis.length + services.length < 2) return undefined;
      const { validateAll } = await import('./validate-all.js');
      return (await validateAll(config, { refusals })).map(asLogged);
    },
  };
  return { program };
}

/** The part of a process that builds all services: one, so that those which a reload adds are validated with the others. */
export const wholeProgram = partOf(undefined, []);

/** Returns the part of a worker, which has built the service of that name. */
export function programOf({ apis }: Names, name: string): Required<Pick<Validating, 'program'>> {
  const own = `api:${name}`;
  return partOf(
    own,
    apis.map((each) => `api:${each}`).filter((section) => section !== own),
  );
}
