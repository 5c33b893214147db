/** The package send, for files as responses: loaded with the first of them. */

/** Returns its function. */
export async function fileSender() {
  const { default: send } = await import('send');
  return send;
}
