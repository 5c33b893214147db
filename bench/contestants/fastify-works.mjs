// The six works as Fastify routes, for its contestants.
import { colonRoutes, created, missing, newServerSchema, pieces, servers, versions } from '../works/payloads.mjs';
import { host, port, serve, tls } from './place.mjs';

/** Options of the instance, with TLS if the work needs it. */
export const options = tls === undefined ? {} : { https: tls };

/**
 * Adds the routes of the work to an instance and listens. Calls `prepare(scope)` before adding the routes of works 2 and 3, whose handlers call
 * `look()`, which throws if the request is not found.
 */
export async function listen(app, prepare = () => {}, look = () => {}) {
  const versionsRoute = () => app.get('/', () => versions);
  const below = (addRoutes) => () =>
    app.register(
      async (scope) => {
        await prepare(scope);
        addRoutes(scope);
      },
      { prefix: '/v2.1' },
    );
  const show = below((scope) =>
    scope.get('/servers/:id', (request) => {
      look();
      return { server: servers.get(request.params.id) };
    }),
  );
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(missing));
  serve({
    work1: versionsRoute,
    work2: show,
    plain: show,
    work3: below((scope) =>
      scope.post('/servers', { schema: { body: newServerSchema } }, (_request, reply) => {
        look();
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
