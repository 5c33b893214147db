import type { Notification } from 'portico/rpc';

/** Returns a handler, and a function that returns its notifications one by one. */
export function inbox(): { readonly take: (each: Notification) => void; readonly next: () => Promise<Notification> } {
  const arrived: Notification[] = [];
  const asked: ((each: Notification) => void)[] = [];
  return {
    take: (each) => {
      const ask = asked.shift();
      if (ask === undefined) arrived.push(each);
      else ask(each);
    },
    next: () => {
      const each = arrived.shift();
      return each === undefined ? new Promise((resolve) => asked.push(resolve)) : Promise.resolve(each);
    },
  };
}
