/** `portico/app`: the App contract and its tools. */
export { type App, compose, type Filter } from './app.js';
export { type Environ, environ } from './environ.js';
export {
  type AppFactory,
  appFactory,
  type CompositeFactory,
  type Conf,
  type Declared,
  type FactoryContext,
  type FilterAppFactory,
  type FilterFactory,
  filterFactory,
  type Section,
  type SectionLoader,
} from './factory.js';
export {
  type ClosableApp,
  type CreateFastifyOptions,
  createFastify,
  type FastifyAppOptions,
  fastifyApp,
  type LeafPlugin,
  listenerOf,
} from './fastify-app.js';
export { asFault, Fault, type FaultDetails, type FaultStyle, renderFault } from './fault.js';
export { preferredType } from './negotiate.js';
