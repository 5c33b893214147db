/**
 * The fast paths of this directory that replace methods of Node: true once they are proven on the Node of this process.
 */
export const fastPaths = {
  /** Heads written without Node. */
  heads: false,
  /** Requests without body ended at once. */
  emptyBodies: false,
  /** Bodies gathered past their stream. */
  bodies: false,
};
