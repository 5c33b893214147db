/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_ANSWER_LENGTH: {
    cause: 'An app wrote more or fewer bytes than its Content-Length says; the connection was ended.',
    remedy: 'Correct the header, or leave it out.',
  },
  PORTICO_BODY_CONSUMED: {
    cause: 'The body of a request was read before.',
    remedy: 'Read it once, and hand on what was read.',
  },
  PORTICO_FAULT: {
    cause: 'An app or a filter answers with an error on purpose; `status` says which.',
    remedy: 'It is the answer to a client: nothing.',
  },
  PORTICO_HEAD_SENT: {
    cause: '`beforeHead` or `transformBody` was called after the head of the response was sent.',
    remedy: 'Register work on the response before the inner app is called.',
  },
  PORTICO_NEXT_CALLED_TWICE: {
    cause: 'A Connect middleware called `next()` twice for one request.',
    remedy: 'Return after calling `next()`.',
  },
  PORTICO_PIPELINE: {
    cause: '`compose` was given a filter or an app that is no function.',
    remedy: 'Write `compose([outer, inner], app)`.',
  },
  PORTICO_REQUEST_ABORTED: {
    cause: 'The client left before the end of its body.',
    remedy: 'Nothing; the client may try again.',
  },
};
