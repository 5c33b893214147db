/** `portico/service`: what one needs to write a service. */
export type { Awaitable } from './awaitable.js';
export {
  type ConfigChanges,
  isListening,
  type ListenAddress,
  type ListeningService,
  type ListenSocket,
  type ServiceBase,
  type StopOptions,
} from './service.js';
