/** correlation_id: an id for all requests, in all services, that belong to one operation of a user. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { beforeHead, filterFactory, type OpenApiAdditions } from '../app/index.js';
import { exchangeOf, type Forwarded } from '../app/internal.js';
import { boolean, defineOptions, type OptionsOf, string } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';
import { addHeaders } from './auth/identity.js';
import { folded, removeHeaders, TOKEN } from './headers.js';

declare module '../app/index.js' {
  interface Environ {
    /** The correlation id of the caller, or a generated one. */
    correlationId?: string;
  }
}

const correlationIdOptions = defineOptions({
  header: string({ default: 'x-correlation-id', regex: TOKEN, help: 'Request header with the correlation id.' }),
  echo: boolean({ default: false, help: 'Also send it in the response.' }),
});

writtenElsewhere(correlationIdOptions, {
  removed: {
    max_length: 'an id has at most 128 characters.',
    pattern: 'an id has letters, digits and ._:- characters.',
  },
});

/** A valid id, which cannot forge a line of the log. Others are replaced. */
const FORM = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Uses the caller's correlation id, or generates one if it is missing or invalid, and replaces the request header with it. Never refuses a
 * request.
 */
export const correlationId = filterFactory(
  'correlation_id',
  correlationIdOptions,
  (options) => {
    const header = options.header.toLowerCase();
    const { echo } = options;
    const forwarded: readonly Forwarded[] = [({ correlationId: id }) => (id === undefined ? undefined : [header, id])];
    return (app) => (req, res) => {
      const given = req.headers[header];
      const usable = typeof given === 'string' && FORM.test(given);
      const id = usable ? given : randomUUID();
      if (!usable) replaceHeader(req, header, id);
      const exchange = exchangeOf(req);
      exchange.correlationId = id;
      exchange.forwardedHeaders = exchange.forwardedHeaders?.concat(forwarded) ?? forwarded;
      if (echo) beforeHead(res, () => res.setHeader(header, id));
      return app(req, res);
    };
  },
  { openapi: openapiOf },
);

function replaceHeader(req: IncomingMessage, header: string, value: string): void {
  removeHeaders(req, (name) => name === folded(header));
  addHeaders(req, [[header, value]]);
}

function openapiOf({ header, echo }: OptionsOf<typeof correlationIdOptions>): OpenApiAdditions {
  const field = { description: 'The correlation id of the request.', schema: { type: 'string' } };
  return {
    parameters: [{ name: header, in: 'header', ...field }],
    ...(echo ? { headers: { [header]: field } } : {}),
  };
}
