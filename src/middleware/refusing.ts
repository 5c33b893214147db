/** The description of a filter that refuses a request. */
import type { Description, Fault } from '../app/index.js';

/** Returns what a filter does that throws this fault. */
export const refusing = ({ status, message }: Fault): Description => ({
  does: `answers ${status}: ${message.replace(/\.$/, '')}`,
  answers: status,
});
