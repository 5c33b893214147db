/**
 * Reports whether the value of a name refers, at last, to a name that is true in `known`, so that a value of that one must not refer to it.
 * `references`: returns the names in the value of a name, in its grammar. `known` keeps what was found, for the next question.
 */
export function leadsTo(name: string, known: Map<string, boolean>, references: (name: string) => string[]): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  known.set(name, false);
  const leads = references(name).some((each) => leadsTo(each, known, references));
  known.set(name, leads);
  return leads;
}
