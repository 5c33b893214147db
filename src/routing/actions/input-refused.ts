/**
 * A part of a request that its schema refuses.
 */
import type { FaultIssue } from '../../app/index.js';

/** Thrown by checks. It becomes a `Fault` with the API's `invalid_input_status`. */
export class InputRefused extends Error {
  readonly issues: readonly FaultIssue[];

  constructor(message: string, issues: readonly FaultIssue[]) {
    super(message);
    this.issues = issues;
  }
}
