// Reads responses from a connection: quickly if a response looks like the previous one, completely otherwise.

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/** Reads the responses of one connection and calls `done({ status, headers, body, length, closes })` for each. */
export class AnswerReader {
  #done;
  #keepsBody;
  #held = undefined;
  #answer = undefined;
  /** Length of the last response that arrived in one chunk. The next one probably has the same. */
  #usual = 0;
  #usualStatus = '';
  #usualAnswer = undefined;

  constructor(done, { keepsBody = false } = {}) {
    this.#done = done;
    this.#keepsBody = keepsBody;
  }

  /** Reads more bytes of the connection. */
  push(chunk) {
    if (this.#answer === undefined && this.#held === undefined) {
      if (chunk.length === this.#usual && this.#looksUsual(chunk)) return this.#done(this.#usualAnswer);
    }
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const whole = this.#answer === undefined && this.#held === undefined;
    this.#held = undefined;
    this.#read(bytes, whole);
  }

  /** Reports whether a chunk of the usual length has the usual status. Then only the date and the request id can differ. */
  #looksUsual(chunk) {
    return !this.#keepsBody && chunk.latin1Slice(9, 12) === this.#usualStatus && chunk.indexOf(HEAD_END) > 0;
  }

  #read(bytes, whole) {
    let at = 0;
    if (this.#answer === undefined) {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) {
        this.#held = bytes;
        return;
      }
      this.#answer = answerOf(bytes.latin1Slice(0, end));
      at = end + HEAD_END.length;
    }
    const rest = this.#answer.chunked ? this.#readChunks(bytes, at) : this.#readLength(bytes, at);
    if (rest < 0) return;
    const answer = this.#answer;
    this.#answer = undefined;
    if (rest !== bytes.length) throw new Error('bytes came that belong to no answer');
    if (whole && !answer.chunked && !answer.closes) {
      this.#usual = bytes.length;
      this.#usualStatus = String(answer.status);
      this.#usualAnswer = answer;
    }
    this.#done(answer);
  }

  /** Returns the end of the response in `bytes`, or -1 if it is incomplete. */
  #readLength(bytes, at) {
    const answer = this.#answer;
    const taken = Math.min(answer.declared - answer.length, bytes.length - at);
    this.#take(bytes, at, at + taken);
    return answer.length === answer.declared ? at + taken : -1;
  }

  #readChunks(bytes, start) {
    const answer = this.#answer;
    let at = start;
    for (;;) {
      if (answer.left > 0) {
        const taken = Math.min(answer.left, bytes.length - at);
        this.#take(bytes, at, at + taken);
        answer.left -= taken;
        at += taken;
        if (answer.left > 0) return -1;
        answer.afterChunk = true;
      }
      const end = bytes.indexOf(LINE_END, answer.afterChunk ? at + 2 : at);
      if (end < 0) {
        this.#held = bytes.subarray(at);
        return -1;
      }
      const size = Number.parseInt(bytes.latin1Slice(answer.afterChunk ? at + 2 : at, end), 16);
      if (size === 0) {
        if (bytes.length >= end + 4) return end + 4;
        this.#held = bytes.subarray(at);
        return -1;
      }
      at = end + 2;
      answer.left = size;
      answer.afterChunk = false;
    }
  }

  #take(bytes, from, to) {
    this.#answer.length += to - from;
    if (this.#keepsBody) this.#answer.body = Buffer.concat([this.#answer.body, bytes.subarray(from, to)]);
  }
}

function answerOf(head) {
  const [line, ...fields] = head.split('\r\n');
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const status = Number(line.slice(9, 12));
  const chunked = /chunked/i.test(headers['transfer-encoding'] ?? '');
  const declared = status === 204 ? 0 : Number(headers['content-length'] ?? Number.NaN);
  if (!chunked && !Number.isInteger(declared)) throw new Error(`an answer without length: ${head}`);
  const closes = /close/i.test(headers.connection ?? '');
  return { status, headers, chunked, declared, closes, length: 0, left: 0, afterChunk: false, body: Buffer.alloc(0) };
}
