/** The method whose call failed, in the error of its caller: the status of the caller shows it. */

/** Throws the error with `calledMethod`, as in `books.sync`. One that passed several services keeps the innermost method. */
export function failCall(error: unknown, topic: string, method: string): never {
  const isOpen = error instanceof Error && Object.isExtensible(error) && !('calledMethod' in error);
  if (isOpen) Object.defineProperty(error, 'calledMethod', { value: `${topic}.${method}` });
  throw error;
}
