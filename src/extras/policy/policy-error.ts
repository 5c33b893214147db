/** Errors in the definition of rules, and of rules that cannot be evaluated. */
import { type ErrorDetails, PorticoError } from 'portico/extension';

export type PolicyErrorCode =
  | 'PORTICO_POLICY_CREDENTIALS'
  | 'PORTICO_POLICY_DEFAULT'
  | 'PORTICO_POLICY_DUPLICATE'
  | 'PORTICO_POLICY_NOT_REGISTERED'
  | 'PORTICO_POLICY_OPERATIONS'
  | 'PORTICO_POLICY_RULE';

/** An error in the definition of rules, or of a rule that cannot be evaluated. */
export class PolicyError extends PorticoError {
  constructor(code: PolicyErrorCode, details: ErrorDetails) {
    super(code, details);
  }
}
