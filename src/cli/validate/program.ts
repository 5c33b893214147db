/** The part of `api-cli` in a validation: errors in the files of the configuration, and in services that other processes build. */
import { isUncertain } from '../../config/internal.js';
import type { Diagnostic } from '../../errors/index.js';
import type { Validating } from '../../launch/internal.js';
import { type Names, namesIn } from '../../server/internal.js';
import { fileErrors } from './file-errors.js';

/** Returns it for a worker, which has built the service of that name, or for a process that has built all services. */
export function programOf({ apis }: Names, name?: string): Required<Pick<Validating, 'program'>> {
  const own = `api:${name}`;
  const others = name === undefined ? [] : apis.map((each) => `api:${each}`).filter((section) => section !== own);
  const isOpen = (each: Diagnostic): boolean => isUncertain(each) && each.section !== own;
  const program: Validating = {
    others,
    findings: fileErrors,
    // A service that another process builds may read a name without a declaration.
    complete: async (found, refusals, config) => {
      const { apis, services } = namesIn(config);
      if (apis.length + services.length < 2 || !found.some(isOpen)) return found;
      const { validateAll } = await import('./validate-all.js');
      return validateAll(config, { refusals });
    },
  };
  return { program };
}
