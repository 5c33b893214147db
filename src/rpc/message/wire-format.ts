/**
 * Signs an envelope's JSON, and compresses a long one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { AddressedFormat, EnvelopeCodec } from './envelope.js';

/** Options of the wire format. */
export interface WireFormatOptions {
  /** Longest JSON in bytes, at both ends. */
  readonly maxBytes: number;
  /** JSON above this size in bytes is compressed. Default: never. */
  readonly compressOver?: number | undefined;
  /** Secrets by their ids: the first one signs, all verify. Default: no signatures. */
  readonly signingKeys?: ReadonlyMap<string, string> | undefined;
  /** Refuse unsigned messages. Default false. */
  readonly requireSignature?: boolean | undefined;
  /** Maximum age of a signature. Default: 5 minutes. */
  readonly windowMs?: number;
  /** Codec of envelopes. Default: Portico's own. */
  readonly codec?: EnvelopeCodec | undefined;
}

/** Last member of a signed envelope: the id of the key, the time, and the code of everything before it. */
const SIGNATURE = /,"sig":"([\w-]{1,32})\.(\d{1,15})\.([\da-f]{64})"\}$/;
const LONGEST_SIGNATURE = 130;
const DOT = 0x2e;

/**
 * Shorter than the time for which message ids are remembered (`recent-keys.ts`): a process accepts a copy of a message only if it has seen
 * many messages since.
 */
const WINDOW_MS = 300_000;

/** Hides the secrets: it is printed with the connection. */
export class WireFormat {
  readonly maxBytes: number;
  readonly codec: EnvelopeCodec | undefined;
  readonly #options: WireFormatOptions;
  readonly #compressOver: number;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #requireSignature: boolean;
  readonly #windowMs: number;

  constructor(options: WireFormatOptions) {
    const { maxBytes, compressOver, signingKeys, requireSignature = false, windowMs = WINDOW_MS } = options;
    this.maxBytes = maxBytes;
    this.codec = options.codec;
    this.#options = options;
    this.#compressOver = compressOver ?? Number.POSITIVE_INFINITY;
    this.#keys = signingKeys ?? new Map();
    this.#requireSignature = requireSignature;
    this.#windowMs = windowMs;
  }

  /** Returns a copy with these options. */
  with(options: Partial<WireFormatOptions>): WireFormat {
    return new WireFormat({ ...this.#options, ...options });
  }

  /** Returns the format for an address without line breaks: a signature includes it, so that a copy is refused at another address. */
  at(address: string): AddressedFormat {
    return {
      maxBytes: this.maxBytes,
      codec: this.codec,
      pack: (json) => this.#pack(json, address),
      unpack: (body) => this.#unpack(body, address),
    };
  }

  #pack(json: Buffer, address: string): Buffer {
    const [key] = this.#keys;
    const signed = key === undefined ? json : signedBy(key, json, address);
    return signed.length > this.#compressOver ? gzipSync(signed) : signed;
  }

  #unpack(body: Uint8Array, address: string): Uint8Array {
    const packed = Buffer.from(body.buffer, body.byteOffset, body.length);
    const signed = isCompressed(packed) ? this.#decompressed(packed) : packed;
    const found = signatureOf(signed);
    if (found === null) {
      if (this.#requireSignature) throw new TypeError('it is not signed');
      return signed;
    }
    const json = Buffer.concat([signed.subarray(0, signed.length - found[0].length), Buffer.from('}')]);
    if (this.#keys.size > 0) this.#verify(json, address, found);
    return json;
  }

  #decompressed(body: Buffer): Buffer {
    try {
      return gunzipSync(body, { maxOutputLength: this.maxBytes + LONGEST_SIGNATURE });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new TypeError(code === 'ERR_BUFFER_TOO_LARGE' ? `${this.maxBytes} bytes are allowed` : 'it is not gzip');
    }
  }

  #verify(json: Buffer, address: string, [, id, at, code]: readonly (string | undefined)[]): void {
    const secret = this.#keys.get(id!);
    if (secret === undefined) throw new TypeError(`it is signed by the key "${id}", which is unknown here`);
    const right = timingSafeEqual(Buffer.from(code!, 'hex'), codeOf(secret, `${id}.${at}\n${address}`, json));
    if (!right) throw new TypeError(`its signature by the key "${id}" is wrong`);
    if (Math.abs(Date.now() - Number(at)) > this.#windowMs) throw new TypeError('its signature is too old');
  }
}

function signatureOf(json: Buffer): RegExpExecArray | null {
  // The code has 64 digits after a dot, and most messages have no signature.
  if (json.length < 67 || json[json.length - 67] !== DOT) return null;
  return SIGNATURE.exec(json.subarray(-LONGEST_SIGNATURE).toString('latin1'));
}

function signedBy([id, secret]: readonly [string, string], json: Buffer, address: string): Buffer {
  const head = `${id}.${Date.now()}`;
  const code = codeOf(secret, `${head}\n${address}`, json).toString('hex');
  return Buffer.concat([json.subarray(0, -1), Buffer.from(`,"sig":"${head}.${code}"}`)]);
}

function codeOf(secret: string, head: string, json: Buffer): Buffer {
  return createHmac('sha256', secret).update(`${head}\n`).update(json).digest();
}

function isCompressed(body: Buffer): boolean {
  return body[0] === 0x1f && body[1] === 0x8b;
}
