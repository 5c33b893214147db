/**
 * A part of a request that its schema does not take.
 */
import type { FaultIssue } from '../../app/index.js';

/** Thrown by checks. It becomes a `Fault` whose status is `invalid_input_status` of the API. */
export class InputRefused extends Error {
  readonly issues: readonly FaultIssue[];

  constructor(message: string, issues: readonly FaultIssue[]) {
    super(message);
    this.issues = issues;
  }
}
