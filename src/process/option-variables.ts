/**
 * Environment variables that may set options: `PORTICO_<GROUP>__<OPT>`.
 */

/** The prefix of variables that oslo.config reads; Portico's too, under `os_env_compat`. */
export const OS_PREFIX = 'OS';

/** Takes the variables that may be options out of an environment: those with a prefix and `__`. */
export function optionVariables(env: NodeJS.ProcessEnv, prefix: string): Record<string, string> {
  const form = new RegExp(`^(?:${prefix}|${OS_PREFIX})_.+?__.+$`, 's');
  const found = Object.entries(env).filter(([name, value]) => form.test(name) && value !== undefined);
  return Object.fromEntries(found) as Record<string, string>;
}

/** The names of variables with the prefix and no `__`: of an option, with one underscore too few, or of something else. */
export function otherVariables(env: NodeJS.ProcessEnv, prefix: string): string[] {
  return Object.keys(env).filter((name) => name.startsWith(`${prefix}_`) && !name.includes('__'));
}
