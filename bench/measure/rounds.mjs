// Interleaved rounds: all contestants in the same minutes, each time in another order.

/**
 * Calls `measure(name)` for every contestant of every round and gathers what it gives, by name. The order is that of
 * {@link orderOf}.
 */
export async function interleave(names, rounds, measure) {
  const results = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOf(names, round)) {
      results.get(name).push({ round, ...(await measure(name)) });
    }
  }
  return results;
}

/** The names, turned by one place from round to round, and backwards in every second one. */
export function orderOf(names, round) {
  const turned = names.map((_name, at) => names[(at + round) % names.length]);
  return round % 2 === 0 ? turned : turned.toReversed();
}

/** One figure of a contestant over that of another, round by round: both saw the same machine. */
export function ratios(results, name, other, figure) {
  const others = new Map((results.get(other) ?? []).map((each) => [each.round, each[figure]]));
  return (results.get(name) ?? [])
    .filter(({ round }) => others.has(round))
    .map((each) => each[figure] / others.get(each.round));
}
