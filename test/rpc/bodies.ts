/** Bodies of messages, written and read as a process of Portico does. */
import {
  type Envelope,
  type RequestEnvelope,
  readRequest,
  writeEnvelope,
} from '../../dist/extras/rpc/message/envelope.js';

const address = { maxBytes: 100_000_000 };

export function bodyOf(envelope: Envelope): Buffer {
  return writeEnvelope(envelope, 'it', address);
}

/** Returns the request in a body; without members in that of a cancellation. */
export function requestIn(body: Uint8Array): RequestEnvelope {
  return readRequest(body, address) as RequestEnvelope;
}
