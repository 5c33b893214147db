/** Environment variables that can set options: `PORTICO_<GROUP>__<OPT>`. */

/** The prefix of the variables that oslo.config reads, and Portico too with `os_env_compat`. */
export const OS_PREFIX = 'OS';

/** Returns the variables of an environment that may be options: names that begin with `prefix` or `OS` and contain `__`. */
export function optionVariables(env: NodeJS.ProcessEnv, prefix: string): Record<string, string> {
  const form = new RegExp(`^(?:${prefix}|${OS_PREFIX})_.+?__.+$`, 's');
  const found = Object.entries(env).filter(([name, value]) => form.test(name) && value !== undefined);
  return Object.fromEntries(found) as Record<string, string>;
}

/** Returns the names that have the prefix but no `__`: options with one underscore too few, or unrelated variables. */
export function otherVariables(env: NodeJS.ProcessEnv, prefix: string): string[] {
  return Object.keys(env).filter((name) => name.startsWith(`${prefix}_`) && !name.includes('__'));
}
