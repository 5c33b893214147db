/** `portico`: the names a first program needs. */
export { type App, compose, environ, type Filter } from './app/index.js';
export { type ApiService, type MakeServices, type Role, type RunApisOptions, runApis, runMain } from './cli/index.js';
export { Config } from './config/index.js';
export {
  ConfigurationRefused,
  type DiagnosticsDetails,
  type ErrorDetails,
  type Origin,
  PorticoError,
} from './errors/index.js';
export { type Launcher, launch, ProcessLauncher, ServiceLauncher } from './launch/index.js';
export { Loader } from './loader/index.js';
export {
  type ApplicationLogger,
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogMethod,
  type LogOption,
  silentLogger,
} from './log/index.js';
export { action, Router } from './routing/index.js';
export { RPCService } from './rpc/index.js';
export { Server, WSGIService } from './server/index.js';
export { Service, type ServiceBase } from './service/index.js';
