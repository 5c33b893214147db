// The six works as Fastify routes, for its three contestants.
import { colonRoutes, created, missing, newServerSchema, pieces, servers, versions } from '../works/payloads.mjs';
import { host, port, serve, tls } from './place.mjs';

/** Options of the instance, with TLS if the work needs it. */
export const options = tls === undefined ? {} : { https: tls };

/** Adds the routes of the work to an instance and listens. Calls `prepare(scope)` before adding the routes of works 2 and 3. */
export async function listen(app, prepare = () => {}) {
  const versionsRoute = () => app.get('/', () => versions);
  const below = (addRoutes) => () =>
    app.register(
      async (scope) => {
        await prepare(scope);
        addRoutes(scope);
      },
      { prefix: '/v2.1' },
    );
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(missing));
  serve({
    work1: versionsRoute,
    work2: below((scope) => scope.get('/servers/:id', (request) => ({ server: servers.get(request.params.id) }))),
    work3: below((scope) =>
      scope.post('/servers', { schema: { body: newServerSchema } }, (_request, reply) => {
        reply.code(202);
        return created;
      }),
    ),
    work4() {
      for (const [method, url] of colonRoutes()) app.route({ method, url, handler: () => ({}) });
    },
    work5: () => app.get('/stream', (_request, reply) => reply.type('application/octet-stream').send(pieces())),
    work6: versionsRoute,
  });
  await app.listen({ port, host });
}
