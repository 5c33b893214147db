/** Fastify's compiler of response schemas: loading it takes as long as Fastify, and most services have no response schema. */
import { createRequire } from 'node:module';
import type { FastifyServerOptions } from 'fastify';

const require = createRequire(import.meta.url);

type CompilersFactory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;
type BuildSerializer = NonNullable<CompilersFactory['buildSerializer']>;

/** Creates a compiler; loads the package. */
export const buildSerializer: BuildSerializer = (...args) => {
  const { SerializerSelector } = require('@fastify/fast-json-stringify-compiler') as {
    SerializerSelector: () => BuildSerializer;
  };
  return SerializerSelector()(...args);
};

/** Compiles one response schema, for an app without Fastify. */
export const compileResponse: ReturnType<BuildSerializer> = (source) => buildSerializer({}, undefined)(source);
