// Replaces Node's HTTP server by Portico's: `node --import test/peers/served.mjs program.js`.
//
// The application still uses its http.Server, which listens, closes and emits events. Its connections go to a Portico Server, whose app
// passes each request to the application's listeners. HTTPS and HTTP/2 remain Node's, and so does a server with custom message classes.
import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { Server as NetServer } from 'node:net';

const NodeServer = http.Server;
/** Receives the HTTP server that a Portico Server creates during its start. */
const making = new AsyncLocalStorage();

function Server(...given) {
  const server = Reflect.construct(NodeServer, given, new.target ?? Server);
  const [options] = given;
  if (options?.IncomingMessage === undefined && options?.ServerResponse === undefined) serve(server, options);
  return server;
}
Object.setPrototypeOf(Server, NodeServer);
Server.prototype = NodeServer.prototype;

http.Server = Server;
http.createServer = (...given) => {
  const place = making.getStore();
  if (place === undefined) return new Server(...given);
  place.http = new NodeServer(...given);
  return place.http;
};
syncBuiltinESMExports();
const { Server: PorticoServer } = await import('../../lib/server/index.js');
const { takeUpgrade } = await import('../../lib/app/index.js');

/** Lets a Portico Server serve the connections that `server` accepts. */
function serve(server, options) {
  let portico;
  let http;
  let ready;
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    if (http === undefined) ready.then(() => http.emit('connection', socket));
    else http.emit('connection', socket);
  });
  server.listen = (...given) => {
    const answer = (req, res) => {
      // As Node does for each connection.
      if (server.timeout > 0) req.socket.setTimeout(server.timeout);
      const taken = server.listenerCount('upgrade') > 0 ? takeUpgrade(req) : undefined;
      if (taken === undefined) server.emit('request', req, res);
      else server.emit('upgrade', req, taken.socket, taken.head);
    };
    // A closed server may listen again, as with supertest.
    portico = new PorticoServer('peer', answer, porticoOptions(server, options));
    const place = {};
    ready = making
      .run(place, () => portico.start())
      .then(() => {
        http = place.http ?? http;
        // Its own port has no clients and must not keep the process alive.
        http.unref();
      });
    return NetServer.prototype.listen.apply(server, given);
  };
  server.close = (done) => {
    server.closeIdleConnections();
    NetServer.prototype.close.call(server, done);
    portico?.stop({ graceful: true }).catch(() => {});
    return server;
  };
  server.closeIdleConnections = () => http?.closeIdleConnections();
  server.closeAllConnections = () => http?.closeAllConnections();
}

/** Converts the settings of Node's server to Portico's options. */
function porticoOptions(server, options) {
  const { keepAliveTimeout, requestTimeout, headersTimeout } = server;
  const told = Object.entries({ keepAliveTimeout, requestTimeout, headersTimeout }).filter(
    ([, ms]) => ms !== undefined,
  );
  return {
    drainIdle: 0,
    ...Object.fromEntries(told.map(([name, ms]) => [name, ms / 1000])),
    maxRequestsPerConnection: server.maxRequestsPerSocket ?? 0,
    ...(options?.maxHeaderSize === undefined ? {} : { maxHeaderSize: options.maxHeaderSize }),
  };
}
