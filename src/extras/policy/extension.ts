/** Policy rules as an extension. Its parts are imported when they are used. */
import type { Extension } from 'portico/service';

export const extension = {
  name: 'portico/policy',
  options: { oslo_policy: async () => (await import('./policy-options.js')).policyOptions },
  commands: { policy: () => import('./policy-commands.js') },
} satisfies Extension;
