/** path_prefix: serves an application below a prefix, as the prefix middleware of PasteDeploy does. */
import { filterFactory, remoteOf } from '../app/index.js';
import { catching, encodedPath, exchangeOf, writtenPath } from '../app/internal.js';
import { boolean, defineOptions, oneOf, port, string } from '../config/index.js';

const pathPrefixOptions = defineOptions({
  prefix: string({
    default: '/',
    help: 'Prefix to remove from the path, at a segment border. It becomes the script name.',
  }),
  translate_forwarded_server: boolean({
    default: true,
    help: 'Use the host that proxy_headers found, not the Host header.',
  }),
  force_port: port({ help: 'The port in URLs that the application generates.' }),
  scheme: oneOf(['http', 'https'], { help: 'The scheme in URLs that the application generates.' }),
});

/**
 * Removes the prefix from the path if it is there. Always sets it as the script name, because the proxy in front may have removed it
 * already. An empty path becomes `/`.
 */
export const pathPrefix = filterFactory(
  'path_prefix',
  pathPrefixOptions,
  (options) => {
    // The encoding of req.url, from which the prefix is removed.
    const prefix = scriptNameOf(options.prefix);
    const { translateForwardedServer, forcePort, scheme } = options;
    const changesRemote = !translateForwardedServer || forcePort !== undefined || scheme !== undefined;

    return (app) => (req, res) => {
      const exchange = exchangeOf(req);
      const { mountTemplate: mount, scriptName, forwardedPrefix, remote } = exchange;
      const { url = '/' } = req;
      if (prefix !== '') {
        req.url = withoutPrefix(url, prefix);
        exchange.scriptName = prefix;
        exchange.mountTemplate = prefix;
        exchange.forwardedPrefix = undefined;
      }
      if (changesRemote) {
        const resolved = remoteOf(req);
        const host = translateForwardedServer ? resolved.host : req.headers.host;
        const forced = forcePort === undefined ? host : `${withoutPort(host ?? 'localhost')}:${forcePort}`;
        exchange.remote = { ...resolved, host: forced, scheme: scheme ?? resolved.scheme };
      }
      return catching(app, (error) => {
        req.url = url;
        exchange.scriptName = scriptName;
        exchange.mountTemplate = mount;
        exchange.forwardedPrefix = forwardedPrefix;
        exchange.remote = remote;
        throw error;
      })(req, res);
    };
  },
  { prefix: ({ prefix }) => scriptNameOf(prefix) },
);

function scriptNameOf(prefix: string): string {
  return encodedPath(writtenPath(prefix)).replace(/\/+$/, '');
}

function withoutPrefix(url: string, prefix: string): string {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  const isBelow = path === prefix || path.startsWith(`${prefix}/`);
  const rest = isBelow ? path.slice(prefix.length) : path;
  return (rest === '' ? '/' : rest) + (query < 0 ? '' : url.slice(query));
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '');
}
