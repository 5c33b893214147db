/**
 * Standard output and error that do not block this process if they are not read.
 *
 * Writes to a pipe or a Unix socket block or fail by a flag of its open file description, which all processes share that have inherited
 * it. Node sets the flag when it first uses `process.stdout` or `process.stderr`. A start of a process clears it: `uv_spawn` of libuv does so
 * for inherited outputs. At its exit Node restores the flags that it has found at its start. So the parent sets it after each start and each
 * end of a worker, and each process before each write of the log, because another process may have cleared it. A separate description,
 * by opening `/proc/self/fd/2`, would need no such step, but does not exist for a socket, such as systemd's, and not for the pipe of another
 * user.
 */

/** `lib/net.js`: `_handle` is the pipe or socket, `deps/uv/src/unix/stream.c`: `uv_stream_set_blocking` sets the flag. */
type Output = Partial<NodeJS.WriteStream> & {
  readonly _handle?: { setBlocking?(blocks: boolean): number } | null;
};

/**
 * Makes writes to an output of this process fail with `EAGAIN` instead of waiting for its reader. Files never wait, and Node lets a
 * terminal wait for its user.
 */
export function unblock(output: Output): void {
  if (output.isTTY !== true) output._handle?.setBlocking?.(false);
}

/** As {@link unblock}, for standard output and error of this process. */
export function unblockOutputs(): void {
  unblock(process.stdout);
  unblock(process.stderr);
}
