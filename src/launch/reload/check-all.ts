/**
 * Services look at a configuration that is not yet in force.
 */

import type { Refusals } from '../../errors/index.js';
import type { ServiceBase } from '../../service/index.js';
import type { Prepared } from './reload-source.js';

/**
 * Lets services look at it, and gathers what they and the configuration itself refuse. Of a configuration that is refused
 * already, which no service need be able to look at, nothing else that goes wrong counts.
 */
export async function checkAll(
  services: Iterable<ServiceBase>,
  { config, refusal }: Prepared,
  refusals: Refusals,
): Promise<void> {
  if (refusal !== undefined) refusals.note(refusal);
  if (config === undefined) return;
  for (const service of services) {
    try {
      await refusals.gather(() => service.check?.(config));
    } catch (error) {
      if (refusal === undefined) throw error;
    }
  }
}
