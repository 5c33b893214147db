/**
 * Meaning of errors of the network and of the broker.
 */

/** The broker knows no such user, password or virtual host. */
export function isRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'ACCESS_REFUSED' || code === 'NOT_ALLOWED';
}

/** An error in a few words. A host with two addresses fails twice at once. */
export function reasonOf(error: unknown): string {
  const { message = '', errors, code } = error as { message?: string; errors?: readonly unknown[]; code?: string };
  if (message === '' && errors?.[0] !== undefined) return reasonOf(errors[0]);
  // The package begins with the method that was refused, where it knows one.
  return message === '' ? String(code ?? error) : message.replace(/^undefined: /, '');
}
