// How far two rankings agree.

/** Rank by id, from 1, of an answer's matches. */
export const ranksOf = (matches) => new Map(matches.map(({ track }, place) => [track.id, place + 1]));

/** How many of the first k of one are among the first k of the other. */
export function overlapAt(k, left, right) {
  return [...left].filter(([id, rank]) => rank <= k && right.get(id) <= k).length;
}

/** Where the other ranking has a track: "same place", "2 higher", "37th", … */
export function elsewhereInWords(rank, other, k, looked) {
  if (other === undefined) return `not among ${looked}`;
  if (other > k) return `${ordinal(other)} there`;
  if (other === rank) return "same place";
  return other < rank ? `${rank - other} higher there` : `${other - rank} lower there`;
}

function ordinal(number) {
  const tens = number % 100;
  const ending = tens > 10 && tens < 14 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending}`;
}
