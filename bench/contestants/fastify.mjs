// Fastify with its defaults, without filters.
import { fastify } from 'fastify';
import { listen, options } from './fastify-works.mjs';

await listen(fastify(options));
