/** `portico`: the names a first program needs. */
export { type App, compose, environ, type Filter } from './app/index.js';
export { type ApiService, type RunApisOptions, runApis, runMain } from './cli/index.js';
export { Config } from './config/index.js';
export { PorticoError } from './errors/index.js';
export { type Launcher, launch, ProcessLauncher, ServiceLauncher } from './launch/index.js';
export { Loader } from './loader/index.js';
export { createLogger, type Logger, silentLogger } from './log/index.js';
export { action, Router } from './routing/index.js';
export { RPCService } from './rpc/index.js';
export { Server, WSGIService } from './server/index.js';
export { Service, type ServiceBase } from './service/index.js';
