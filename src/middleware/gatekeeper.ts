/** gatekeeper: removes internal headers, and trailers of the same names, from requests and responses. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { beforeHead, filterFactory } from '../app/index.js';
import { defineOptions, dict, list } from '../config/index.js';
import { folded, removeHeaders } from './headers.js';

const gatekeeperOptions = defineOptions({
  strip_request: list({ default: [], help: 'Request headers to remove. A final * makes a prefix.' }),
  strip_response: list({ default: [], help: 'Response headers to remove, written as in strip_request.' }),
  move_request: dict({
    help: 'Request headers to rename instead, such as x-timestamp:x-backend-timestamp.',
  }),
});

/** Internal headers, which are always removed in both directions. */
const INTERNAL = 'x-portico-internal-*';

/** Removes the listed headers and trailers from requests and responses, and renames some request headers. */
export const gatekeeper = filterFactory('gatekeeper', gatekeeperOptions, (options) => {
  const fromRequest = matcherOf([INTERNAL, ...options.stripRequest]);
  const fromResponse = matcherOf([INTERNAL, ...options.stripResponse]);
  const moves = [...options.moveRequest].map(([from, to]) => [folded(from.trim()), folded(to.trim())] as const);

  const move = (req: IncomingMessage): void => {
    // Read before the removal and set after it, because the new name may be one that clients must not send.
    const moved = moves.map(([from]) => req.headers[from]);
    const isMeant = (name: string): boolean =>
      fromRequest(name) || moves.some(([from, to]) => name === from || name === to);
    removeHeaders(req, isMeant);
    removeTrailers(req, isMeant);
    for (const [at, [, to]] of moves.entries()) {
      const value = moved[at];
      if (value === undefined) continue;
      req.headers[to] = value;
      for (const one of Array.isArray(value) ? value : [value]) req.rawHeaders.push(to, one);
    }
  };

  return (app) => (req, res) => {
    move(req);
    keepTrailers(res, (name) => !fromResponse(name));
    beforeHead(res, () => {
      for (const name of res.getHeaderNames()) if (fromResponse(folded(name))) res.removeHeader(name);
    });
    return app(req, res);
  };
});

/** Removes trailers as soon as they have arrived, which is when the body has ended. Only a body in chunks has trailers. */
function removeTrailers(req: IncomingMessage, isMeant: (name: string) => boolean): void {
  if (req.headers['transfer-encoding'] === undefined) return;
  req.once('end', () => {
    // Node makes both on first use, from as many raw ones as have arrived.
    const { trailers, trailersDistinct, rawTrailers: raw } = req;
    for (const each of [trailers, trailersDistinct]) {
      for (const name of Object.keys(each)) if (isMeant(folded(name))) delete each[name];
    }
    for (let at = raw.length - 2; at >= 0; at -= 2) if (isMeant(folded(raw[at]!))) raw.splice(at, 2);
  });
}

/** Lets a response have only the trailers for whose names `isKept` returns true. */
function keepTrailers(res: ServerResponse, isKept: (name: string) => boolean): void {
  const { addTrailers } = res;
  res.addTrailers = (trailers) => {
    const pairs = Array.isArray(trailers) ? trailers : Object.entries(trailers);
    const kept = pairs.filter(([name]) => isKept(folded(String(name))));
    addTrailers.call(res, kept as unknown as OutgoingHttpHeaders);
  };
}

function matcherOf(names: readonly string[]): (name: string) => boolean {
  const all = names.map((name) => folded(name.trim()));
  const whole = new Set(all.filter((name) => !name.endsWith('*')));
  const prefixes = all.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => whole.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
