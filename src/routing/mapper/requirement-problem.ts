/**
 * A requirement that cannot be used, with the variable it was given for.
 */

/** A requirement that is no usable regular expression. */
export class RequirementProblem extends Error {
  readonly variable: string;
  readonly requirement: string;

  constructor(variable: string, requirement: string, cause: Error) {
    super(`the requirement of "${variable}", ${requirement}, cannot be used: ${cause.message}`, { cause });
    this.variable = variable;
    this.requirement = requirement;
  }
}
