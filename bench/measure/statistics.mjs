// Statistics of a list of numbers.

/** Median, quartiles and extremes. */
export function summary(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lower: quantile(sorted, 0.25),
    upper: quantile(sorted, 0.75),
    least: sorted[0],
    most: sorted.at(-1),
    count: sorted.length,
  };
}

/** Interpolates between two neighbours. */
function quantile(sorted, part) {
  const place = (sorted.length - 1) * part;
  const below = Math.floor(place);
  const above = sorted[Math.ceil(place)];
  return sorted[below] + (above - sorted[below]) * (place - below);
}
