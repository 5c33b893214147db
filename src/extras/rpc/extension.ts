/** Remote calls as an extension. Its parts are imported when they are used. */
import type { Extension } from 'portico/service';
import { DRIVERS } from './transport/drivers.js';

export const extension = {
  name: 'portico/rpc',
  options: {
    rpc: async () => (await import('./rpc-options.js')).rpcOptions,
    upgrade_levels: async () => (await import('./rpc-options.js')).upgradeLevelOptions,
    oslo_messaging_rabbit: async () => (await import('./messaging-options.js')).osloRabbitOptions,
    oslo_messaging_notifications: async () => (await import('./messaging-options.js')).osloNotificationOptions,
  },
  commands: { rpc: () => import('./commands/rpc-commands.js') },
  provides: {
    calls: async () => (await import('./provided.js')).provided,
    services: {
      plan: async () => (await import('./service-options.js')).plannedRpcService,
      make: async () => (await import('./rpc-service.js')).RPCService.create,
    },
    transports: DRIVERS,
  },
} satisfies Extension;
