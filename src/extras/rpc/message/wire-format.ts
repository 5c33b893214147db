/**
 * Outer form of messages, as oslo.messaging has it: an object with the JSON of the message as text. Messages that kombu has compressed are
 * read.
 */
import { isUtf8 } from 'node:buffer';
import { inflateSync } from 'node:zlib';
import { ignoreErrors } from 'portico/extension';
import { SerializationError } from '../errors.js';
import { isRecord } from './typed-json.js';

/** Limits of messages. */
export interface MessageLimits {
  /** Longest message in bytes, at both ends, before it is compressed. */
  readonly maxBytes: number;
}

const VERSION = '2.0';

/** First byte of zlib, which `kombu_compression = gzip` means (`kombu/compression.py`). */
export const ZLIB = 0x78;

/** Returns the body of a message. Throws `SerializationError` if it is too long; `what`: its name, for the error. */
export function packed(text: string, what: string, { maxBytes }: MessageLimits): Buffer {
  const body = Buffer.from(JSON.stringify({ 'oslo.version': VERSION, 'oslo.message': text }));
  if (body.length <= maxBytes) return body;
  throw new SerializationError({
    message: `${what}: ${body.length} bytes, and a message has at most ${maxBytes}`,
    hint: 'Send a reference to large data.',
  });
}

/** Returns the text of a received message: of its outer form, or itself. Throws a `TypeError` without its content. */
export function unpacked(body: Uint8Array, { maxBytes }: MessageLimits): string {
  const bytes = decompressed(Buffer.isBuffer(body) ? body : Buffer.from(body), maxBytes);
  if (!isUtf8(bytes)) throw new TypeError('it is not UTF-8');
  const whole = bytes.toString();
  const outer = ignoreErrors(() => JSON.parse(whole) as unknown);
  if (!isRecord(outer)) return whole;
  const { 'oslo.version': version, 'oslo.message': text } = outer;
  if (version === undefined || text === undefined) return whole;
  if (version !== VERSION) throw new TypeError(`it is not of version ${VERSION}`);
  if (typeof text !== 'string') throw new TypeError('it has no message');
  return text;
}

function decompressed(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length > maxBytes) throw new TypeError(`${bytes.length} bytes: ${maxBytes} are allowed`);
  if (bytes[0] === 0x42) throw new TypeError('it is compressed by bz2: set kombu_compression = gzip');
  if (bytes[0] !== ZLIB) return bytes;
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    const isLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new TypeError(isLong ? `${maxBytes} bytes are allowed` : 'it is compressed, and cannot be read');
  }
}
