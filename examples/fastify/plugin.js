import fastifyCookie from '@fastify/cookie';
import { fastifyApp } from 'portico';

/** A Fastify plugin as it is: routes, schemas, hooks and other plugins. */
async function visits(fastify) {
  await fastify.register(fastifyCookie);
  const response = { 200: { type: 'object', properties: { visits: { type: 'integer' } } } };
  fastify.get('/visits', { schema: { response } }, async (request, reply) => {
    const visits = Number(request.cookies.visits ?? 0) + 1;
    reply.setCookie('visits', String(visits));
    return { visits };
  });
}

export async function app() {
  return fastifyApp(visits);
}
