/** The registry as an extension. Its parts are imported when they are used. */
import type { Extension } from 'portico/service';

export const extension = {
  name: 'portico/registry',
  options: {
    servicegroup: async () => (await import('./registry-options.js')).servicegroupOptions,
    database: async () => (await import('./registry-options.js')).databaseOptions,
  },
  commands: {
    service: () => import('./service-commands.js'),
    db: () => import('./service-commands.js'),
  },
  provides: { registry: async () => (await import('./provided.js')).provided },
} satisfies Extension;
