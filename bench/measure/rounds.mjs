// Interleaved rounds: all contestants in the same minutes, each time in a different order.

/** Calls `measure(name)` for every contestant in every round, in the order of {@link orderOf}, and returns the results by name. */
export async function interleave(names, rounds, measure) {
  const results = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOf(names, round)) {
      results.get(name).push({ round, ...(await measure(name)) });
    }
  }
  return results;
}

/** Returns the names, rotated by one place each round, and reversed in every second one. */
export function orderOf(names, round) {
  const turned = names.map((_name, at) => names[(at + round) % names.length]);
  return round % 2 === 0 ? turned : turned.toReversed();
}

/** Returns the ratios of a figure of two contestants, round by round, because both saw the same machine in a round. */
export function ratios(results, name, other, figure) {
  const others = new Map((results.get(other) ?? []).map((each) => [each.round, each[figure]]));
  return (results.get(name) ?? [])
    .filter(({ round }) => others.has(round))
    .map((each) => each[figure] / others.get(each.round));
}
