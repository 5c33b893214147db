// Fastify with @fastify/middie: the filters as Connect middleware in front of its routes.
import middie from '@fastify/middie';
import { fastify } from 'fastify';
import { connectFilters } from './connect-filters.mjs';
import { listen, options } from './fastify-works.mjs';
import { failed } from './seven-filters.mjs';

const app = fastify(options);
await app.register(middie);

await listen(app, (scope) => {
  for (const filter of connectFilters()) scope.use(filter);
  scope.setErrorHandler((error, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) reply.code(status).send({ error: { code: status, title: error.name, message: error.message } });
    else reply.code(500).send(failed);
  });
});
