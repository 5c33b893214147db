/** The difference between two ordered lists of names: what is new, gone, or at another place. */

/** Changes of a list of names, in the order of the new one; removed names in that of the old one. */
interface OrderChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** As few as possible of those that stay. */
  readonly moved: readonly string[];
}

/** Compares two lists. A name may occur several times. */
export function orderChanges(before: readonly string[], after: readonly string[]): OrderChanges {
  const [old, now] = [numbered(before), numbered(after)];
  const common = now.filter((each) => old.includes(each));
  const inOrder = longestRun(common.map((each) => old.indexOf(each)));
  const names = (parts: readonly string[]): string[] => parts.map((each) => each.slice(each.indexOf(' ') + 1));
  return {
    added: names(now.filter((each) => !old.includes(each))),
    removed: names(old.filter((each) => !now.includes(each))),
    moved: names(common.filter((each) => !inOrder.has(old.indexOf(each)))),
  };
}

/** Each name with its number among those that are equal. */
function numbered(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    return `${number} ${name}`;
  });
}

/** Returns the longest increasing subsequence of distinct numbers. */
function longestRun(numbers: readonly number[]): ReadonlySet<number> {
  const best: number[][] = [];
  for (const [at, number] of numbers.entries()) {
    const before = best.slice(0, at).filter((run) => run.at(-1)! < number);
    const longest = before.reduce<number[]>((one, other) => (other.length > one.length ? other : one), []);
    best.push([...longest, number]);
  }
  return new Set(best.reduce((one, other) => (other.length > one.length ? other : one), []));
}
