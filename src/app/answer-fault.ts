/**
 * The answer of last resort: to be called where nobody is left who could take another failure.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { abortResponse } from './abort-response.js';
import { asFault, type Fault, type FaultStyle, renderFault } from './fault.js';

/** How {@link answerFault} answers. */
export interface AnswerFaultOptions {
  readonly style: FaultStyle;
  /** Told, for the log, that the answer itself has failed: a listener of `beforeHead` threw. */
  readonly onFailure: (error: unknown, req: IncomingMessage) => void;
}

/**
 * Renders a fault and never throws. An answer that fails is a failure of the server: it is answered with 500 instead, as
 * a success that fails is. When that fails too the connection is destroyed, so that the client does not wait for ever.
 */
export function answerFault(
  req: IncomingMessage,
  res: ServerResponse,
  fault: Fault,
  { style, onFailure }: AnswerFaultOptions,
): void {
  try {
    renderFault(req, res, fault, style);
  } catch (error) {
    onFailure(error, req);
    try {
      renderFault(req, res, asFault(error), style);
    } catch (again) {
      abortResponse(res, again);
    }
  }
}
