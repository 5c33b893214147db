/** stats: sends the count and duration of requests to statsd. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { afterResponse, environ, filterFactory } from '../app/index.js';
import { defineOptions, host, oneOf, port, string } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';

const NO_IDS = 'Remove the line: names have the template of the route, without ids.';

const statsOptions = defineOptions({
  name: string({ required: true, help: 'Prefix of the metric names.' }),
  host: host({ default: '127.0.0.1', deprecated: ['stats_host'], help: 'Host of the statsd server.' }),
  port: port({ default: 8125, help: 'Port of the statsd server.' }),
  tags_format: oneOf(['none', 'datadog', 'influx'], {
    default: 'none',
    help: 'Tag dialect for method, route and status; none puts them into the metric name.',
  }),
});
writtenElsewhere(statsOptions, {
  unused: { remove_uuid: NO_IDS, remove_short_uuid: NO_IDS },
});

/**
 * Sends a count and a duration for each request, named `<name>.<METHOD>.<route>.<status class>`. Uses the template of the route, so that
 * ids do not become names; a request without a route is `unknown`. Does not delay the response; failed sends are dropped.
 */
export const stats = filterFactory('stats', statsOptions, (options, ctx) => {
  const socket = createSocket(isIPv6(options.host) ? 'udp6' : 'udp4');
  socket.unref();
  socket.on('error', (error) => ctx.log.debug({ err: error }, 'statsd cannot be reached'));
  let open = true;
  ctx.onClose(() => {
    open = false;
    socket.close();
  });

  return (app) => (req, res) => {
    const { trial } = environ(req);
    if (trial !== undefined) {
      trial.would(`send its count and time to ${options.host}:${options.port}, as ${options.name}`);
      return app(req, res);
    }
    const begun = performance.now();
    afterResponse(res, ({ completed }) => {
      if (!open) return;
      const status = completed || res.headersSent ? `${Math.floor(res.statusCode / 100)}xx` : 'aborted';
      const route = routeName(environ(req).route?.template);
      const { metric, tags } = label(options, req.method ?? 'GET', route, status);
      const ms = (performance.now() - begun).toFixed(3);
      socket.send(`${metric}:1|c${tags}\n${metric}:${ms}|ms${tags}`, options.port, options.host);
    });
    return app(req, res);
  };
});

/** Converts `/servers/{id}/action` to `servers_id_action`, because dots separate names, and colons and bars end them. */
function routeName(template: string | undefined): string {
  const name = (template ?? 'unknown').replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
  return name === '' ? 'root' : name;
}

function label(
  { name, tagsFormat }: { readonly name: string; readonly tagsFormat: string },
  method: string,
  route: string,
  status: string,
): { metric: string; tags: string } {
  if (tagsFormat === 'datadog') return { metric: name, tags: `|#method:${method},route:${route},status:${status}` };
  if (tagsFormat === 'influx') return { metric: `${name},method=${method},route=${route},status=${status}`, tags: '' };
  return { metric: `${name}.${method}.${route}.${status}`, tags: '' };
}
