/** Policy rules as an extension. Its options are imported when a configuration has them. */
import type { Extension } from '../service/index.js';

export const extension = {
  name: 'portico/policy',
  options: { oslo_policy: async () => (await import('./policy-options.js')).policyOptions },
} satisfies Extension;
