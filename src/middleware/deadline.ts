/**
 * deadline: no request for ever.
 */
import type { IncomingMessage } from 'node:http';
import { afterResponse, environ, Fault, filterFactory, muteWhenEnded } from '../app/index.js';
import { defineOptions, dict, duration, string } from '../config/index.js';
import { systemClock } from '../tasks/index.js';
import { TOKEN } from './header-name.js';
import { ofLongestPrefix } from './path-prefix-match.js';

declare module '../app/index.js' {
  interface Environ {
    /** When the answer is due, in milliseconds of `performance.now()`. */
    deadline?: number;
  }
}

export const deadlineOptions = defineOptions({
  default_s: duration({ default: 60, min: 0.001, mutable: true, help: 'How long a request may take, in seconds.' }),
  overrides: dict({
    value: duration({ default: 60, min: 0.001 }),
    mutable: true,
    help: 'Other times for paths and everything below them: /images:300. The longest path counts.',
  }),
  header: string({
    default: 'x-portico-timeout',
    regex: TOKEN,
    help: 'The header in which a client may ask for less time, in seconds. More it does not get.',
  }),
});

/**
 * Gives each request a deadline and a signal, `environ(req).deadline` and `.signal`. At the deadline the signal fires, and
 * the answer is 503, or the connection is destroyed when the head is out. A client that leaves fires the signal too.
 */
export const deadline = filterFactory('deadline', deadlineOptions, (options, _ctx, live) => {
  const header = options.header.toLowerCase();
  return (app) => (req, res) => {
    const env = environ(req);
    const { defaultS, overrides } = live();
    const ms = Math.min(ofLongestPrefix(req, overrides) ?? defaultS, askedFor(req, header)) * 1000;
    const over = new AbortController();
    env.deadline = Math.min(env.deadline ?? Number.POSITIVE_INFINITY, performance.now() + ms);
    env.signal = env.signal === undefined ? over.signal : AbortSignal.any([env.signal, over.signal]);

    return new Promise((resolve, reject) => {
      const cancel = systemClock.after(ms, () => {
        const late = new Fault(503, { message: `The request took longer than ${ms / 1000} seconds.` });
        muteWhenEnded(res);
        reject(late);
        over.abort(late);
      });
      afterResponse(res, ({ completed }) => {
        cancel();
        if (!completed) over.abort(new Error('the client left'));
        resolve();
      });
      Promise.resolve(app(req, res)).catch(reject);
    });
  };
});

/** What the client asks for, in seconds; infinity when it asks for nothing sensible. */
function askedFor(req: IncomingMessage, header: string): number {
  const seconds = Number(req.headers[header] ?? Number.NaN);
  return seconds > 0 ? seconds : Number.POSITIVE_INFINITY;
}
