/** Events of audit as an extension. Its options are imported when a configuration has them. */
import type { Extension } from 'portico/service';

export const extension = {
  name: 'portico/audit',
  options: { audit_middleware_notifications: async () => (await import('./audit-options.js')).auditOptions },
  aliases: {
    'keystonemiddleware.audit:filter_factory': 'portico/audit:audit',
    'egg:keystonemiddleware#audit': 'portico/audit:audit paste.filter_factory',
  },
} satisfies Extension;
