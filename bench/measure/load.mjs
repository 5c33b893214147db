// The load: a process of its own that sends one request after another on each of a few connections, without
// pipelining, and looks at the status and length of every answer. Started by `load-process.mjs`.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AnswerReader } from './answer-reader.mjs';

const PATIENCE_MS = 20_000;

process.on('message', (order) => {
  run(order).then(
    (facts) => process.send(facts),
    (error) => process.send({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit());

/** Sends `count` requests; `fresh`: each on a connection of its own. Rejects at the first answer that is another. */
async function run({ port, secure, request, count, connections, fresh, status, length }) {
  const bytes = Buffer.from(request, 'latin1');
  const begun = process.hrtime.bigint();
  let left = count;
  let answered = 0;

  const lane = () =>
    new Promise((resolve, reject) => {
      let socket;
      const next = () => (left-- > 0 ? socket.write(bytes) : socket.end());
      const open = () => {
        let replaced = false;
        const current = secure
          ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
          : connect({ port, host: '127.0.0.1', noDelay: true });
        const reopen = () => {
          replaced = true;
          current.end();
          if (left > 0) open();
          else resolve();
        };
        const reader = new AnswerReader((answer) => {
          if (answer.status !== status || answer.length !== length) {
            current.destroy();
            reject(new Error(`expected ${status} with ${length} bytes, got ${answer.status} with ${answer.length}`));
            return;
          }
          answered++;
          if (answer.closes || fresh) reopen();
          else next();
        });
        socket = current;
        current.on(secure ? 'secureConnect' : 'connect', next);
        current.on('data', (chunk) => {
          try {
            reader.push(chunk);
          } catch (error) {
            reject(error);
            current.destroy();
          }
        });
        current.setTimeout(PATIENCE_MS, () => reject(new Error('a request was not answered in time')));
        current.on('error', reject);
        current.on('close', () => {
          if (replaced) return;
          if (left < 0) resolve();
          else reject(new Error('the server closed a connection in the middle'));
        });
      };
      open();
    });

  await Promise.all(Array.from({ length: connections }, lane));
  if (answered !== count) throw new Error(`${count} requests were sent, ${answered} answered`);
  return { answered, seconds: Number(process.hrtime.bigint() - begun) / 1e9 };
}
