/**
 * security_headers: adds security headers for browsers. helmet defines the headers and their values; this filter decides which responses
 * get them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HelmetOptions } from 'helmet';
import { beforeHead, type FactoryContext, filterFactory, remoteOf } from '../app/index.js';
import { isAuthenticated, setMissingHeaders } from '../app/internal.js';
import { defineOptions, integer, type OptionsOf, string } from '../config/index.js';
import { ConfigurationRefused } from '../errors/index.js';
import { contentTypeOf } from './headers.js';

const securityHeadersOptions = defineOptions({
  hsts_max_age: integer({
    default: 31_536_000,
    min: 0,
    help: 'max-age of Strict-Transport-Security over HTTPS, in seconds. 0 omits the header.',
  }),
  content_security_policy: string({
    default: "default-src 'none'; frame-ancestors 'none'",
    help: 'Content-Security-Policy of HTML responses. Empty omits it.',
  }),
});

type Options = OptionsOf<typeof securityHeadersOptions>;
type Helmet = typeof import('helmet').default;
/** Alternating names and values. */
type Headers = readonly string[];

/**
 * Adds headers that the response does not have: `nosniff`, framing, referrer policy, HSTS on HTTPS, document policies for HTML, and
 * `no-store` if the caller is authenticated. Removes `X-Powered-By`. Headers that the application sets are kept. Refuses the
 * configuration if helmet refuses a value.
 */
export const securityHeaders = filterFactory(
  'security_headers',
  securityHeadersOptions,
  async (options, ctx) => {
    const { default: helmet } = await import('helmet');
    const always = headersOf(helmet, FOR_EVERY_RESPONSE, ctx);
    const https = headersOf(helmet, forHttps(options), ctx);
    const html = headersOf(helmet, forDocuments(options, helmet), ctx);

    return (app) => (req, res) => {
      beforeHead(res, () => {
        res.removeHeader('x-powered-by');
        setMissingHeaders(res, always);
        if (https.length > 0 && remoteOf(req).scheme === 'https') setMissingHeaders(res, https);
        if (/^text\/html/i.test(contentTypeOf(res))) setMissingHeaders(res, html);
        if (isAuthenticated(req)) setMissingHeaders(res, NO_STORE);
      });
      return app(req, res);
    };
  },
  { trial: true, aroundRefusals: true },
);

const NO_STORE: Headers = ['cache-control', 'no-store'];

/** Disables all headers of helmet, because it sends each header that is not configured. */
const NOTHING = {
  contentSecurityPolicy: false,
  crossOriginEmbedderPolicy: false,
  crossOriginOpenerPolicy: false,
  crossOriginResourcePolicy: false,
  originAgentCluster: false,
  referrerPolicy: false,
  strictTransportSecurity: false,
  xContentTypeOptions: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xFrameOptions: false,
  xPermittedCrossDomainPolicies: false,
  xPoweredBy: false,
  xXssProtection: false,
} as const satisfies HelmetOptions;

type Told = Partial<Record<keyof typeof NOTHING, unknown>>;

const FOR_EVERY_RESPONSE: Told = {
  xContentTypeOptions: true,
  crossOriginResourcePolicy: { policy: 'same-origin' },
  xPermittedCrossDomainPolicies: true,
  // Browsers ignore it beside a policy with frame-ancestors.
  xFrameOptions: { action: 'deny' },
  referrerPolicy: { policy: 'no-referrer' },
};

/** helmet adds includeSubDomains, and no preload: that is for the owner of the whole domain to decide. */
function forHttps({ hstsMaxAge }: Options): Told {
  return { strictTransportSecurity: hstsMaxAge > 0 && { maxAge: hstsMaxAge } };
}

function forDocuments({ contentSecurityPolicy }: Options, helmet: Helmet): Told {
  const directives = Object.create(null) as Record<string, unknown>;
  for (const directive of contentSecurityPolicy.split(';')) {
    const [name = '', ...sources] = directive.trim().split(/\s+/);
    // The first of repeated directives applies, as in browsers.
    if (name !== '') directives[name.toLowerCase()] ??= sources;
  }
  const hasPolicy = Object.keys(directives).length > 0;
  // Without this marker helmet refuses a policy without default-src, which the standard permits.
  directives['default-src'] ??= helmet.contentSecurityPolicy.dangerouslyDisableDefaultSrc;
  return {
    contentSecurityPolicy: hasPolicy && { useDefaults: false, directives },
    crossOriginOpenerPolicy: true,
    originAgentCluster: true,
    xDnsPrefetchControl: true,
    xDownloadOptions: true,
    xXssProtection: true,
  };
}

/** Returns the headers that helmet sets for these options. They do not depend on the request, so helmet runs only once. */
function headersOf(helmet: Helmet, told: Told, { section }: FactoryContext): Headers {
  const headers: string[] = [];
  const recorder = { setHeader: (name: string, value: string) => headers.push(name.toLowerCase(), value) };
  try {
    const middleware = helmet({ ...NOTHING, ...told } as HelmetOptions);
    middleware({} as IncomingMessage, recorder as unknown as ServerResponse, (error) => {
      if (error !== undefined) throw error;
    });
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_CONFIG_VALUE', {
      message: `the security headers cannot be sent: ${(cause as Error).message}`,
      origin: section.origin,
      cause,
    });
  }
  return headers;
}
