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

/** Longest part of a policy file in a message. */
const LONGEST = 100;

/** Returns a name or a text of a policy file for messages, in quotes. */
export function shown(text: unknown): string {
  const whole = JSON.stringify(text);
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
}
