/**
 * Outer form of messages, as oslo.messaging has it: an object with the JSON of the message as text, and beside it the signature. Messages
 * that kombu has compressed are read.
 */
import { isUtf8 } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { SerializationError } from '../errors.js';
import { isRecord } from './typed-json.js';

/** Options of the wire format. */
export interface WireFormatOptions {
  /** Longest message in bytes, at both ends, before it is compressed. */
  readonly maxBytes: number;
  /** Secrets by their ids: the first one signs, all verify. Default: no signatures. */
  readonly signingKeys?: ReadonlyMap<string, string> | undefined;
  /** Refuse unsigned messages. Default false. */
  readonly requireSignature?: boolean | undefined;
  /** Maximum age of a signature. Default: 5 minutes. */
  readonly windowMs?: number;
  /** Refuse to send values that JSON lacks, except dates, because Python would read others in their place. Default false. */
  readonly onlyJson?: boolean | undefined;
}

/** A message whose address is not decided yet. */
export interface PackedMessage {
  readonly text: string;
  /** Its outer form, up to where a signature begins. */
  readonly outer: string;
}

/** Limits of what may be sent, wherever it goes: as in {@link WireFormatOptions}. */
export interface MessageLimits {
  readonly maxBytes: number;
  readonly onlyJson: boolean;
}

/** Form of messages at one address. */
export interface WireAddress extends MessageLimits {
  /** Returns the body of a message. */
  seal(message: PackedMessage): Buffer;
  /** Returns the text of a received message. Throws a `TypeError` without its content. */
  open(body: Uint8Array): string;
}

const VERSION = '2.0';
const SIGNATURE = 'portico.signature';
/** The id of the key, the time, and the code of the message. */
const SIGNED = /^([\w-]{1,32})\.(\d{1,15})\.([\da-f]{64})$/;
const LONGEST_SIGNATURE = 150;

/**
 * Shorter than the time for which a process remembers message ids (`recent-keys.ts`): it accepts a copy of a message that it has begun only
 * if it has begun many messages since. Processes do not know the ids of each other.
 */
const WINDOW_MS = 300_000;

/** First byte of zlib, which `kombu_compression = gzip` means (`kombu/compression.py`). */
export const ZLIB = 0x78;

/** Puts the JSON of a message into its outer form. Throws `SerializationError` if it is too long; `what`: its name, for the message. */
export function packed(text: string, what: string, maxBytes: number): PackedMessage {
  const outer = `{"oslo.version":"${VERSION}","oslo.message":${JSON.stringify(text)}`;
  // A character has three bytes at most.
  const bytes = outer.length * 3 < maxBytes ? 0 : Buffer.byteLength(outer) + 1;
  if (bytes <= maxBytes) return { text, outer };
  throw new SerializationError({
    message: `${what}: ${bytes} bytes, and a message has at most ${maxBytes}`,
    hint: 'Send a reference to large data.',
  });
}

/** Hides the secrets: it is printed with the connection. */
export class WireFormat implements MessageLimits {
  readonly maxBytes: number;
  readonly onlyJson: boolean;
  readonly #options: WireFormatOptions;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #requireSignature: boolean;
  readonly #windowMs: number;

  constructor(options: WireFormatOptions) {
    const { maxBytes, signingKeys, requireSignature = false, windowMs = WINDOW_MS } = options;
    this.maxBytes = maxBytes;
    this.onlyJson = options.onlyJson === true;
    this.#options = options;
    this.#keys = signingKeys ?? new Map();
    this.#requireSignature = requireSignature;
    this.#windowMs = windowMs;
  }

  /** Returns a copy with these options. */
  with(options: Partial<WireFormatOptions>): WireFormat {
    return new WireFormat({ ...this.#options, ...options });
  }

  /** Returns the form at an address without line breaks: a signature includes it, so that a copy is refused at another address. */
  at(address: string): WireAddress {
    return {
      maxBytes: this.maxBytes,
      onlyJson: this.onlyJson,
      seal: (message) => this.#seal(message, address),
      open: (body) => this.#open(body, address),
    };
  }

  #seal({ text, outer }: PackedMessage, address: string): Buffer {
    const [key] = this.#keys;
    return Buffer.from(key === undefined ? `${outer}}` : `${outer},"${SIGNATURE}":"${signature(key, text, address)}"}`);
  }

  #open(body: Uint8Array, address: string): string {
    const bytes = this.#decompressed(body);
    if (!isUtf8(bytes)) throw new TypeError('it is not UTF-8');
    const whole = bytes.toString();
    const outer = outerOf(whole);
    const signed = outer?.[SIGNATURE];
    const text = outer === undefined ? whole : textIn(outer);
    if (signed === undefined && this.#requireSignature) throw new TypeError('it is not signed');
    if (signed !== undefined && this.#keys.size > 0) this.#verify(text, address, signed);
    return text;
  }

  #decompressed(body: Uint8Array): Buffer {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.length);
    const most = this.maxBytes + LONGEST_SIGNATURE;
    if (bytes.length > most) throw new TypeError(`${bytes.length} bytes: ${this.maxBytes} are allowed`);
    if (bytes[0] === 0x42) throw new TypeError('it is compressed by bz2: set kombu_compression = gzip');
    if (bytes[0] !== ZLIB) return bytes;
    try {
      return inflateSync(bytes, { maxOutputLength: most });
    } catch (error) {
      const isLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      throw new TypeError(isLong ? `${this.maxBytes} bytes are allowed` : 'it is compressed, and cannot be read');
    }
  }

  #verify(text: string, address: string, signed: unknown): void {
    const [, id = '', at = '', code = ''] = SIGNED.exec(String(signed)) ?? [];
    if (code === '') throw new TypeError('its signature is none');
    const secret = this.#keys.get(id);
    if (secret === undefined) throw new TypeError(`it is signed by the key "${id}", which is unknown here`);
    const right = timingSafeEqual(Buffer.from(code, 'hex'), codeOf(secret, `${id}.${at}\n${address}`, text));
    if (!right) throw new TypeError(`its signature by the key "${id}" is wrong`);
    if (Math.abs(Date.now() - Number(at)) > this.#windowMs) throw new TypeError('its signature is too old');
  }
}

/** Returns the outer form; undefined for a text without one, which is the message itself. */
function outerOf(whole: string): Readonly<Record<string, unknown>> | undefined {
  let read: unknown;
  try {
    read = JSON.parse(whole);
  } catch {
    // A message itself may have NaN: its reader decides.
    return undefined;
  }
  const isOuter = isRecord(read) && read['oslo.version'] !== undefined && read['oslo.message'] !== undefined;
  return isOuter ? (read as Readonly<Record<string, unknown>>) : undefined;
}

function textIn({ 'oslo.version': version, 'oslo.message': text }: Readonly<Record<string, unknown>>): string {
  if (version !== VERSION) throw new TypeError(`it is not of version ${VERSION}`);
  if (typeof text !== 'string') throw new TypeError('it has no message');
  return text;
}

function signature([id, secret]: readonly [string, string], text: string, address: string): string {
  const head = `${id}.${Date.now()}`;
  return `${head}.${codeOf(secret, `${head}\n${address}`, text).toString('hex')}`;
}

function codeOf(secret: string, head: string, text: string): Buffer {
  return createHmac('sha256', secret).update(`${head}\n`).update(text).digest();
}
