/** Puts pretended connections in the place of those of `rabbitmq-client`, which the product loads with its first connection. */
import { createRequire } from 'node:module';
import { PretendedConnection } from './pretended-connection.js';

const require = createRequire(import.meta.url);
(require('rabbitmq-client/lib/Connection.js') as { Connection: unknown }).Connection = PretendedConnection;

// Modules that the product loads later are loaded now: in virtual time nothing waits for the disk.
await import(require.resolve('rabbitmq-client'));
await import('../../../dist/extras/rpc/extension.js');
await import('../../../dist/extras/rpc/transport/amqp/amqp-transport.js');
await import('../../../dist/extras/rpc/server/served-topic.js');
