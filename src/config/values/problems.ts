/** All errors of a generation: in its sources, in its values, and names without an owner. */
import { type Diagnostic, inOrder } from '../../errors/index.js';
import type { Generation } from './generation.js';
import { type Scope, unknownNames } from './unknown-names.js';

/** Returns errors in the order of the files. `names`: those that are checked. */
export function problemsOf(generation: Generation, names: Scope): Diagnostic[] {
  const { state, groups } = generation;
  // Sections of the paste file may have the values of filters too: they are checked where a pipeline uses them.
  const isWanted = ({ severity }: Diagnostic, group: string): boolean =>
    severity === 'warning' || !groups.sectional.has(group);
  const values = generation.noted().map((wanted) => generation.resolve(wanted));
  return inOrder(
    [
      ...state.issues,
      ...values.flatMap(({ group, issues }) => issues.filter((issue) => isWanted(issue, group))),
      ...unknownNames(generation, names),
    ],
    [...state.sources.files.map(({ name }) => name), undefined],
  );
}
