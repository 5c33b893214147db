/**
 * security_headers: what an API should tell browsers about itself.
 */
import type { ServerResponse } from 'node:http';
import { beforeHead, environ, filterFactory, remoteOf } from '../app/index.js';
import { boolean, defineOptions, integer, string } from '../config/index.js';
import './identity.js';

export const securityHeadersOptions = defineOptions({
  hsts_max_age: integer({
    default: 15_552_000,
    min: 0,
    help: 'How long browsers shall use https only, in seconds, where the request came by https; 0: not said.',
  }),
  hsts_include_subdomains: boolean({ default: true, help: 'Says so for subdomains too.' }),
  frame_options: string({ default: 'DENY', help: 'X-Frame-Options; empty: not sent.' }),
  referrer_policy: string({ default: 'no-referrer', help: 'Referrer-Policy; empty: not sent.' }),
  content_security_policy: string({
    default: "default-src 'none'; frame-ancestors 'none'",
    help: 'Content-Security-Policy of HTML answers; empty: not sent.',
  }),
  no_store: boolean({
    default: true,
    help: 'Keeps answers to authenticated requests out of caches, where the application says nothing.',
  }),
});

/**
 * Adds what is missing: `nosniff`, framing, referrers, HSTS on https, a content policy for HTML, `no-store` for answers to
 * authenticated requests. Removes `X-Powered-By`. What the application says itself stays.
 */
export const securityHeaders = filterFactory('security_headers', securityHeadersOptions, (options) => {
  const always: [string, string][] = [
    ['x-content-type-options', 'nosniff'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['x-frame-options', options.frameOptions],
    ['referrer-policy', options.referrerPolicy],
  ];
  const hsts = `max-age=${options.hstsMaxAge}${options.hstsIncludeSubdomains ? '; includeSubDomains' : ''}`;

  return (app) => (req, res) => {
    beforeHead(res, () => {
      res.removeHeader('x-powered-by');
      for (const [name, value] of always) setMissing(res, name, value);
      if (options.hstsMaxAge > 0 && remoteOf(req).scheme === 'https') {
        setMissing(res, 'strict-transport-security', hsts);
      }
      if (/^text\/html/i.test(String(res.getHeader('content-type') ?? ''))) {
        setMissing(res, 'content-security-policy', options.contentSecurityPolicy);
      }
      const { context, identity } = environ(req);
      const authenticated = identity !== undefined || context?.userId !== undefined;
      if (options.noStore && authenticated) setMissing(res, 'cache-control', 'no-store');
    });
    return app(req, res);
  };
});

function setMissing(res: ServerResponse, name: string, value: string): void {
  if (value !== '' && !res.hasHeader(name)) res.setHeader(name, value);
}
