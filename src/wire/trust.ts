/**
 * Which of our ways this process goes: those that have been proven on its Node, and none before that.
 */
export const trust = {
  /** Heads written without Node. */
  heads: false,
  /** Requests without body ended at once. */
  emptyBodies: false,
  /** Bodies gathered past their stream. */
  bodies: false,
};
