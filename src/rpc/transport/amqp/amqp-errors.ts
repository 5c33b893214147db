/**
 * Meaning of errors of the network and of the broker.
 */

/** Reports whether the broker refuses the user, password or virtual host. */
export function isRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'ACCESS_REFUSED' || code === 'NOT_ALLOWED';
}

/** Describes an error briefly. A host with two addresses has two errors at once. */
export function reasonOf(error: unknown): string {
  const { message = '', errors, code } = error as { message?: string; errors?: readonly unknown[]; code?: string };
  if (message === '' && errors?.[0] !== undefined) return reasonOf(errors[0]);
  // The package begins with the refused method, if it knows one.
  return message === '' ? String(code ?? error) : message.replace(/^undefined: /, '');
}
