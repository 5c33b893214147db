/** `portico`: the values that most applications need, and the types of what they write. */
export {
  type App,
  type AppFactory,
  afterResponse,
  appFactory,
  beforeHead,
  closingOf,
  compose,
  type Environ,
  environ,
  type FactoryContext,
  Fault,
  type FaultDetails,
  type FaultIssue,
  type Filter,
  type FilterFactory,
  fastifyApp,
  filterFactory,
  forwardHeaders,
  fromConnect,
  type Identity,
  RequestContext,
  readBody,
  type Session,
  takeUpgrade,
} from './app/index.js';
export { runMain } from './cli/index.js';
export {
  boolean,
  Config,
  defineOptions,
  duration,
  integer,
  list,
  type OptionsOf,
  string,
} from './config/index.js';
export type { Launcher, LaunchOptions } from './launch/index.js';
export { launchOnCall as launch } from './launch/internal.js';
export {
  type ApplicationLogger,
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogMethod,
  type LogOption,
} from './log/index.js';
export { signToken } from './middleware/index.js';
export { type ActionRequest, type Args, action, type BodyOf, Reply, Router, SENT } from './routing/index.js';
export { WSGIService } from './server/index.js';
export type { ServiceBase } from './service/index.js';
