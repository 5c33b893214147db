/**
 * Makes the methods of a class an object's own. Express gives each request and response a prototype of its own, and what
 * was overridden in a class would be gone.
 */
export function pinMethods(object: object, prototype: object): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof descriptor.value !== 'function') continue;
    Object.defineProperty(object, name, { ...descriptor, enumerable: false });
  }
}
