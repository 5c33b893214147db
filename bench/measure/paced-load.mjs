// Load at a constant rate. Each request is due at a fixed time, independent of earlier requests, and its time counts from then. If a
// server stalls, all requests due meanwhile are late, as for clients that do not wait for each other.
import { connect } from 'node:net';
import { AnswerReader } from './answer-reader.mjs';

/**
 * Sends `count` requests at `rate` per second over this many open connections. A request without a free connection waits for one, and
 * the wait counts. Returns the sorted response times in milliseconds. Rejects at a response with another status or length.
 */
export async function sendPaced({ port, request, connections, status, length, count, rate }) {
  const bytes = Buffer.from(request, 'latin1');
  const times = [];
  const waiting = [];
  const free = [];
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  return await new Promise((resolve, reject) => {
    const begun = performance.now();
    let sent = 0;
    const end = (error) => {
      sent = count;
      for (const socket of sockets) socket.destroy();
      if (error === undefined) resolve(times.sort((a, b) => a - b));
      else reject(error);
    };
    const send = (lane, due) => {
      lane.due = due;
      lane.socket.write(bytes);
    };
    const use = (lane) => {
      if (waiting.length > 0) send(lane, waiting.shift());
      else free.push(lane);
    };
    const add = (socket) => {
      const lane = { socket, due: 0, ends: false };
      const reader = new AnswerReader((answer) => {
        if (answer.status !== status || answer.length !== length) {
          end(new Error(`expected ${status} with ${length} bytes, got ${answer.status} with ${answer.length}`));
          return;
        }
        times.push(performance.now() - lane.due);
        lane.ends = answer.closes;
        if (times.length === count) end();
        else if (lane.ends) renew(lane);
        else use(lane);
      });
      socket.on('data', (chunk) => reader.push(chunk));
      socket.on('error', end);
      // After the last response this has no effect, because the promise is settled.
      socket.on('close', () => lane.ends || end(new Error('the server closed a connection in the middle')));
      use(lane);
    };
    // A server may close a connection after a number of requests, as nginx does. Due requests meanwhile use other connections.
    const renew = ({ socket }) => {
      socket.end();
      open(port).then((fresh) => {
        sockets[sockets.indexOf(socket)] = fresh;
        add(fresh);
      }, end);
    };
    for (const socket of sockets.slice()) add(socket);
    // Polled without sleeping, because timers are up to a millisecond late, which is the scale of the measurement.
    const go = () => {
      const now = performance.now();
      for (; sent < count && begun + (sent * 1000) / rate <= now; sent++) {
        const due = begun + (sent * 1000) / rate;
        // Use the connections in turn, because servers close those that are idle for seconds.
        const lane = free.shift();
        if (lane === undefined) waiting.push(due);
        else send(lane, due);
      }
      if (sent < count) setImmediate(go);
    };
    go();
  });
}

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject).once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
