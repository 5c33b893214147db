/**
 * Which methods of this folder stand in the place of Node's: those that are proven on the Node of this process, none before.
 */
export const trust = {
  /** Heads written without Node. */
  heads: false,
  /** Requests without body ended at once. */
  emptyBodies: false,
  /** Bodies gathered past their stream. */
  bodies: false,
};
