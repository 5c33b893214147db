/**
 * Bytes that come in pieces. Small pieces are copied together: kept as the buffers they came in they take a hundred times
 * their length.
 */

/** A piece of so many bytes is kept as it is. */
const LARGE = 1024;
const LARGEST_ROOM = 65_536;

/** Takes pieces, and gives the whole. What it holds is at most twice what it was given, and 1 KiB. */
export class GatheredBytes {
  /** How many bytes there are. */
  size = 0;
  readonly #pieces: Buffer[] = [];
  /** Where small pieces go, and how much of it is filled. */
  #room: Buffer | undefined;
  #filled = 0;

  /** Keeps a piece, or a copy of it: nobody may change it afterwards. */
  add(piece: Buffer): void {
    this.size += piece.length;
    const rest = this.#room === undefined ? piece : this.#fill(this.#room, piece);
    if (rest.length === 0) return;
    // The only piece, which it nearly always is, is given back as it came.
    if (rest.length >= LARGE || this.#pieces.length === 0) this.#pieces.push(rest);
    else {
      this.#room = Buffer.allocUnsafeSlow(Math.min(Math.max(this.size, LARGE), LARGEST_ROOM));
      this.#filled = 0;
      this.#fill(this.#room, rest);
    }
  }

  /** All of it. */
  whole(): Buffer {
    const pieces = this.pieces();
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, this.size);
  }

  /** All of it, in pieces. */
  pieces(): Buffer[] {
    if (this.#room === undefined) return this.#pieces;
    return [...this.#pieces, this.#room.subarray(0, this.#filled)];
  }

  /** A piece of what follows the first `offset` bytes; undefined where nothing does. */
  after(offset: number): Buffer | undefined {
    if (offset >= this.size) return undefined;
    let begin = offset;
    for (const piece of this.#pieces) {
      if (begin < piece.length) return piece.subarray(begin);
      begin -= piece.length;
    }
    return this.#room!.subarray(begin, this.#filled);
  }

  /** Forgets it all. */
  clear(): void {
    this.size = 0;
    this.#pieces.length = 0;
    this.#room = undefined;
  }

  /** Copies what there is room for; gives the rest. */
  #fill(room: Buffer, piece: Buffer): Buffer {
    const copied = piece.copy(room, this.#filled);
    this.#filled += copied;
    if (this.#filled === room.length) {
      this.#pieces.push(room);
      this.#room = undefined;
    }
    return piece.subarray(copied);
  }
}
