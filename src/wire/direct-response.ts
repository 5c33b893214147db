/**
 * Node's response, with a short way to write the head that nearly every answer has; and one that tells the headers which
 * filters wrote beside it.
 */
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Headers, isNodesWriteHead, isUnwatched, writeFastHead } from './fast-head.js';
import { type Head, type HeaderList, headerIn, headersIn, wholeHead } from './header-list.js';

type Lists = readonly HeaderList[];

const NO_LISTS: Lists = [];

/** What was given to `writeHead`, where default headers were written beside it: null until then. */
const GIVEN: unique symbol = Symbol('portico.givenHeaders');
/** The default headers that were written beside it, those of the innermost filter last. */
const LISTS: unique symbol = Symbol('portico.writtenDefaults');

/** Kept by symbols, so that a response behind a proxy, or one made from it, tells its headers too. */
interface Carrier {
  [GIVEN]?: OutgoingHttpHeaders | null;
  [LISTS]?: Lists;
}

/**
 * For `createServer({ ServerResponse: DirectResponse })`. What is laid over a response, the outermost first: `writeHead`:
 * `src/app/before-head.ts`, then this class, then Node; `end`: `src/app/guard-pipe.ts` for streams,
 * `src/app/response-length.ts`, then Node.
 */
export class DirectResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  constructor(...args: ConstructorParameters<typeof ServerResponse<Request>>) {
    super(...args);
    (this as Carrier)[GIVEN] = null;
    (this as Carrier)[LISTS] = NO_LISTS;
  }

  override writeHead(status: number, message?: string | Headers, headers?: Headers): this {
    const fields = typeof message === 'object' && message !== null && headers === undefined ? message : undefined;
    if (fields !== undefined && writeFastHead(this, status, fields, NO_LISTS)) return this;
    return super.writeHead(status, message as string, headers);
  }

  // Node forgets headers that were only given to `writeHead`. A filter that gives default ones sees one head, as where all of them
  // are set one by one.

  override getHeader(name: string): OutgoingHttpHeader | undefined {
    const head = toldHead(this as Carrier);
    return head === null ? super.getHeader(name) : headerIn(head, name);
  }

  override hasHeader(name: string): boolean {
    const head = toldHead(this as Carrier);
    return head === null ? super.hasHeader(name) : headerIn(head, name) !== undefined;
  }

  override getHeaders(): OutgoingHttpHeaders {
    const head = toldHead(this as Carrier);
    return head === null ? super.getHeaders() : headersIn(head);
  }

  override getHeaderNames(): string[] {
    const head = toldHead(this as Carrier);
    return head === null ? super.getHeaderNames() : Object.keys(headersIn(head));
  }
}

/**
 * Writes the head of a {@link DirectResponse} with what the lists say and `headers` does not, the last list first, and lets the
 * response tell it all later: the lists are its own from then on. False, and nothing is written, for a response of another
 * class, for an unusual head, and where other code has replaced its methods, as Express does.
 */
export function writeWithDefaults(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders | undefined,
  lists: Lists,
): boolean {
  const carrier = res as Carrier;
  if (carrier[GIVEN] !== null || res.getHeader !== DirectResponse.prototype.getHeader) return false;
  if (!writeFastHead(res, status, headers, lists)) return false;
  // A copy: the application may use its object for the next answer too.
  carrier[GIVEN] = { ...headers };
  carrier[LISTS] = lists;
  return true;
}

/** Whether a `writeHead` writes what it is given and nothing else sees it: Node's, or that of {@link DirectResponse}. */
export function isPlainWriteHead(method: unknown): boolean {
  return isNodesWriteHead(method) || (method === DirectResponse.prototype.writeHead && isUnwatched());
}

/** The head that a response tells by itself, for Node does not know it; null where Node does. */
function toldHead(res: Carrier): Head | null {
  const { [GIVEN]: headers = null, [LISTS]: lists = NO_LISTS } = res;
  return headers === null ? null : wholeHead(headers, lists)!;
}
