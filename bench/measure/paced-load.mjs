// Load at a constant rate: each request has a moment at which it is due, whatever became of those before it, and is timed from then
// on. A server that stands still for a while makes all requests late that were due meanwhile, as it would on clients that do not wait
// for each other.
import { connect } from 'node:net';
import { AnswerReader } from './answer-reader.mjs';

/**
 * Sends `count` requests, `rate` a second, over so many connections that stay open; one that finds none free waits for one, and that
 * counts. Gives the times to the answers in milliseconds, sorted. Rejects at an answer of another status or length.
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
      // After the last answer this has no effect: the promise is settled.
      socket.on('close', () => lane.ends || end(new Error('the server closed a connection in the middle')));
      use(lane);
    };
    // A server may end a connection after so many requests, as nginx does; what is due meanwhile waits for one that is free.
    const renew = ({ socket }) => {
      socket.end();
      open(port).then((fresh) => {
        sockets[sockets.indexOf(socket)] = fresh;
        add(fresh);
      }, end);
    };
    for (const socket of sockets.slice()) add(socket);
    // Asked for without sleep: a timer is late by up to a millisecond, which is what is measured here.
    const go = () => {
      const now = performance.now();
      for (; sent < count && begun + (sent * 1000) / rate <= now; sent++) {
        const due = begun + (sent * 1000) / rate;
        // In turns: a connection that rested for seconds would be closed by its server.
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
