/** correlation_id: an id for all requests, in all services, that belong to one operation of a user. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { filterFactory, type OpenApiAdditions } from '../app/index.js';
import { exchangeOf, type Forwarded } from '../app/internal.js';
import { defineOptions } from '../config/index.js';
import { addHeaders } from './auth/identity.js';
import { removeHeaders } from './headers.js';

declare module '../app/index.js' {
  interface Environ {
    /** The correlation id of the caller, or a generated one. */
    correlationId?: string;
  }
}

const correlationIdOptions = defineOptions({});

/** The request header with the id. Services that call each other agree on it. */
const HEADER = 'x-correlation-id';
/** A valid id, which cannot forge a line of the log. Others are replaced. */
const FORM = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Uses the caller's correlation id, or generates one if it is missing or invalid, and replaces the request header with it. Never refuses a
 * request.
 */
export const correlationId = filterFactory(
  'correlation_id',
  correlationIdOptions,
  () => {
    const forwarded: readonly Forwarded[] = [({ correlationId: id }) => (id === undefined ? undefined : [HEADER, id])];
    return (app) => (req, res) => {
      const given = req.headers[HEADER];
      const usable = typeof given === 'string' && FORM.test(given);
      const id = usable ? given : randomUUID();
      if (!usable) replaceHeader(req, id);
      const exchange = exchangeOf(req);
      exchange.correlationId = id;
      exchange.forwardedHeaders = exchange.forwardedHeaders?.concat(forwarded) ?? forwarded;
      return app(req, res);
    };
  },
  { openapi: openapiOf },
);

function replaceHeader(req: IncomingMessage, value: string): void {
  removeHeaders(req, (name) => name === HEADER);
  addHeaders(req, [[HEADER, value]]);
}

function openapiOf(): OpenApiAdditions {
  const field = { description: 'The correlation id of the request.', schema: { type: 'string' } };
  return { parameters: [{ name: HEADER, in: 'header', ...field }] };
}
