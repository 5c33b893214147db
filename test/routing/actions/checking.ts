import { action, type JsonSchema, Router } from 'portico/routing';
import type { Answer, Send } from '../served-router.js';

export const message = ({ json }: Answer): string => (json as { error: { message: string } }).error.message;

/** Returns a router whose POST / validates bodies, and whose GET / validates queries; both respond with their input. */
export function checking(schema: JsonSchema): Router {
  const controller = {
    body: action({ body: schema }, ({ body }) => ({ body })),
    query: action({ query: schema }, (request) => ({
      query: request.query,
      last: request.queryValue('limit') ?? null,
    })),
  };
  return new Router()
    .connect('/', { controller, action: 'body', conditions: { method: ['POST'] } })
    .connect('/', { controller, action: 'query', conditions: { method: ['GET'] } });
}

export const post = (send: Send, body: unknown): Promise<Answer> => send('POST', '/', { body: JSON.stringify(body) });
