/**
 * Uploads: the files and fields of a form (`multipart/form-data`) as they come, by the package @fastify/busboy.
 */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Fault } from '../../app/index.js';
import { isEncoded } from '../../app/internal.js';
import { PorticoError } from '../../errors/index.js';

/** Limits of an upload. */
export interface UploadOptions {
  /** Most files. Default 10. */
  readonly files?: number | undefined;
  /** Largest file in bytes. Default 10,485,760. */
  readonly fileBytes?: number | undefined;
  /** Most fields. Default 100. */
  readonly fields?: number | undefined;
  /** Largest field in bytes. Default 65,536. */
  readonly fieldBytes?: number | undefined;
}

/** Reason of a refused upload. */
export type UploadProblem = 'type' | 'files' | 'file-size' | 'fields' | 'field-size' | 'malformed' | 'incomplete';

/** A form that is not accepted: 415 for another body, 413 beyond a limit, 400 for a form that is malformed or cut off. */
export class UploadRefused extends Fault {
  readonly problem: UploadProblem;

  constructor(status: number, problem: UploadProblem, message: string, cause?: unknown) {
    super(status, { message, cause });
    this.problem = problem;
  }
}

/** One file of a form. Read it, or save it, before the next one. */
export interface UploadedFile {
  /** Name of its field in the form. */
  readonly field: string;
  /** Name that the client gives, without directories; not to be used as a path. */
  readonly name: string;
  /** Media type that the client gives. */
  readonly type: string;
  /** Its bytes. Fails with an {@link UploadRefused} beyond the limit, and when the client leaves. */
  readonly stream: Readable;
  /** Saves it, and returns its size. A file that is not complete leaves nothing behind. */
  saveTo(path: string): Promise<number>;
}

/** Loads the package that parses forms: a route that declares one does so at the start, others with their first form. */
export const loadForms = () => import('@fastify/busboy');

/** The files of a form: `for await (const file of request.files())`. */
export class Upload implements AsyncIterable<UploadedFile> {
  /** Fields that have come, by name; all of them after the last file. The last of several of one name. */
  readonly fields: Record<string, string> = Object.create(null) as Record<string, string>;
  readonly #req: IncomingMessage;
  readonly #limits: Required<{ [K in keyof UploadOptions]: number }>;
  #isRead = false;

  constructor(
    req: IncomingMessage,
    { files = 10, fileBytes = 10_485_760, fields = 100, fieldBytes = 65_536 }: UploadOptions,
  ) {
    this.#req = req;
    this.#limits = { files, fileBytes, fields, fieldBytes };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<UploadedFile, void, undefined> {
    const req = this.#req;
    if (!/^multipart\/form-data\s*;/i.test(req.headers['content-type'] ?? '')) {
      throw new UploadRefused(415, 'type', 'The body must be a form: multipart/form-data.');
    }
    if (isEncoded(req)) throw new UploadRefused(415, 'type', 'A form with a Content-Encoding is not accepted.');
    if (this.#isRead || req.readableEnded) {
      throw new PorticoError('PORTICO_UPLOAD_READ', {
        message: 'the files of the request were read before',
        hint: 'Read request.files() once; a Router whose plugin reads forms has them in request.fastify.',
      });
    }
    this.#isRead = true;
    const { Busboy } = await loadForms();
    const { files, fileBytes, fields, fieldBytes } = this.#limits;
    const limits = { files, fileSize: fileBytes, fields, fieldSize: fieldBytes, headerSize: 8192 };
    const parser = acceptable(() => new Busboy({ headers: req.headers as { 'content-type': string }, limits }));
    // The parser's stream is destroyed, not the reader's, which would wait for its next chunk.
    const come: { readonly file: UploadedFile; readonly parsed: Readable }[] = [];
    let isComplete = false;
    let failure: Error | undefined;
    let current: Readable | undefined;
    let wake = (): void => undefined;
    const fail = (error: Error): void => {
      failure ??= error;
      current?.destroy(failure);
      for (const { parsed } of come) parsed.destroy(failure);
      wake();
    };
    const tooMany = (what: 'files' | 'fields', most: number): void =>
      fail(new UploadRefused(413, what, `The form has more than ${most} ${what}.`));
    parser.on('file', (field, stream, written, _encoding, type) => {
      stream.on('error', (error) => fail(failure ?? malformed(error)));
      const name = (written ?? '').replace(/^.*[/\\]/s, '');
      stream.on('limit', () => {
        fail(new UploadRefused(413, 'file-size', `The file of ${field} is larger than ${fileBytes} bytes.`));
        stream.destroy(failure);
      });
      if (failure !== undefined) stream.destroy(failure);
      else {
        const bytes = readerOf(stream, () => failure);
        const file = { field, name, type, stream: bytes, saveTo: (path: string) => saved(bytes, path) };
        come.push({ file, parsed: stream });
      }
      wake();
    });
    parser.on('field', (name, value, _nameCut, isCut) => {
      if (isCut) fail(new UploadRefused(413, 'field-size', `The field ${name} is larger than ${fieldBytes} bytes.`));
      else this.fields[name] = value;
    });
    parser.on('filesLimit', () => tooMany('files', files));
    parser.on('fieldsLimit', () => tooMany('fields', fields));
    parser.on('error', (cause) => fail(malformed(cause)));
    parser.on('finish', () => {
      isComplete = true;
      wake();
    });
    const left = (): void => {
      if (!req.complete)
        fail(new UploadRefused(400, 'incomplete', 'The client has left before the form was complete.'));
    };
    req.once('close', left);
    if (req.destroyed) left();
    req.pipe(parser);
    try {
      for (;;) {
        const next = come.shift();
        if (next !== undefined) {
          current = next.parsed;
          yield next.file;
          // The parser goes on when the file is read.
          if (!next.file.stream.readableEnded) next.file.stream.resume();
          current = undefined;
        } else if (failure !== undefined) throw failure;
        else if (isComplete) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      req.off('close', left);
      req.unpipe(parser);
      for (const { parsed } of come) parsed.destroy();
      if (!isComplete) {
        current?.destroy();
        parser.on('error', () => undefined);
        parser.destroy();
        req.resume();
      }
    }
  }
}

/** Makes a parser, which throws for a boundary that is missing or too long. */
function acceptable<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause: unknown): UploadRefused {
  return new UploadRefused(400, 'malformed', 'The form is malformed, or was cut off.', cause);
}

/**
 * Returns the bytes of a file as a stream that fails with the refusal of the form, and not with the error of its parser. Drops what its reader
 * leaves, so that the parser reads the next file.
 */
function readerOf(stream: Readable, failure: () => Error | undefined): Readable {
  const read = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      // By `yield*` a failed reader would destroy the parser's stream.
      for await (const bytes of stream.iterator({ destroyOnReturn: false })) yield bytes as Uint8Array;
    } catch (error) {
      throw failure() ?? error;
    }
  };
  const reader = Readable.from(read(), { objectMode: false });
  // A reader that does not listen must not end the process.
  return reader.on('error', () => undefined).on('close', () => stream.resume());
}

/** Writes beside the path first: a reader of the path never sees a part, and a failure leaves nothing. */
async function saved(stream: Readable, path: string): Promise<number> {
  const part = `${path}.${randomBytes(6).toString('hex')}.part`;
  const file = createWriteStream(part, { flags: 'wx' });
  try {
    await pipeline(stream, file);
    await rename(part, path);
    return file.bytesWritten;
  } catch (error) {
    // A failure may come while the file is still being opened, which creates it.
    if (!file.closed) await new Promise<void>((closed) => void file.once('close', closed));
    await rm(part, { force: true });
    throw error;
  }
}
