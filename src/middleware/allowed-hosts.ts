/**
 * allowed_hosts: refuses requests for other hosts, and of pages of other origins. Any website can let its name resolve to the address of an API
 * (DNS rebinding): a browser then takes the API for a part of the website, whose pages may read from it and write to it.
 */
import { Fault, filterFactory, type OpenApiAdditions, quoteClient, remoteOf } from '../app/index.js';
import { exchangeOf, readField } from '../app/internal.js';
import { defineOptions, list } from '../config/index.js';
import {
  hostMatcher,
  hostPattern,
  originMatcher,
  originPattern,
  readHost,
  readOrigin,
  writtenElsewhere,
} from '../config/internal.js';

const allowedHostsOptions = defineOptions({
  hosts: list({
    item: hostPattern(),
    default: ['localhost', '127.0.0.1', '[::1]'],
    minLength: 1,
    help: 'Hosts whose requests get a response: api.example.org, *.example.org for all its subdomains, 10.0.0.1 or [::1], with a port only on that port; * for all.',
  }),
  origins: list({
    item: originPattern(),
    default: [],
    help: 'Origins whose pages get a response, besides those of hosts: https://app.example.org, without a port the usual one; * for all.',
  }),
});
writtenElsewhere(allowedHostsOptions, {
  meant: {
    allowed_hosts: "did you mean 'hosts'?",
    allowed_origins: "did you mean 'origins'?",
    allowed_origin: "did you mean 'origins'?",
  },
});

/**
 * Responds with 421 to a request for a host that is not one of `hosts` (RFC 9110 §7.4, §15.5.20), and with 403 to one with an `Origin` that is neither
 * of these hosts nor one of `origins`. The host is the client's, as proxy_headers has found it. A request without a host, by HTTP/1.0, passes: no
 * browser sends it.
 */
export const allowedHosts = filterFactory(
  'allowed_hosts',
  allowedHostsOptions,
  ({ hosts, origins }, { log }) => {
    const isHost = hostMatcher(hosts);
    const isOrigin = originMatcher(origins);
    /** Reports whether an origin is one of the hosts; if these are all hosts, whether it is that of the request. */
    const isOwn = (origin: string, host: string | undefined): boolean => {
      const { scheme, host: own } = readOrigin(origin);
      return hosts.includes('*') ? own.toLowerCase() === host?.toLowerCase() : isHost(readHost(own), scheme);
    };
    // Nearly all requests have the same.
    let [goodHost, goodScheme, goodOrigin]: (string | undefined)[] = [];

    return (app) => (req, res) => {
      const exchange = exchangeOf(req);
      const { trial } = exchange;
      if (trial?.isUnknown('headers') === true) {
        trial.would('respond with 421 to another host, and with 403 to a page of another origin');
        return app(req, res);
      }
      const { host, scheme } = remoteOf(req);
      if (host !== undefined && (host !== goodHost || scheme !== goodScheme)) {
        if (!isHost(readHost(host), scheme)) {
          log.debug({ host: quoteClient(host) }, 'refused a request for another host');
          throw new Fault(421, { message: `This service does not respond to the host ${quoteClient(host)}.` });
        }
        [goodHost, goodScheme, goodOrigin] = [host, scheme, undefined];
      }
      const origin = readField(exchange, 'origin');
      if (origin !== undefined && origin !== goodOrigin) {
        if (!isOrigin(origin) && !isOwn(origin, host)) {
          log.debug({ origin: quoteClient(origin) }, 'refused a request of a page of another origin');
          throw new Fault(403, { message: `This service does not respond to pages of ${quoteClient(origin)}.` });
        }
        goodOrigin = origin;
      }
      return app(req, res);
    };
  },
  { trial: true, openapi: openapiOf },
);

function openapiOf(): OpenApiAdditions {
  return {
    responses: {
      403: { description: 'The request comes from a page of another origin.' },
      421: { description: 'The service does not respond to the host of the request.' },
    },
  };
}
