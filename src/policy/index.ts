/** `portico/policy`: decides who may do what, by rules in code and in policy files, as oslo.policy does. */
export type { Members } from './check.js';
