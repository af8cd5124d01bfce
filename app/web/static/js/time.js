// When things happened, in words.

const MINUTE_MS = 60_000;
const UNITS = [
  ["year", 365.25 * 24 * 60],
  ["month", 30.44 * 24 * 60],
  ["day", 24 * 60],
  ["hour", 60],
  ["minute", 1],
];

/** "3 days ago". */
export function ago(time) {
  const minutes = (new Date(time) - Date.now()) / MINUTE_MS;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(minutes) >= each) ?? [];
  if (!unit) return "just now";
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(minutes / size), unit);
}

/** A time in full, for a title. */
export const inFull = (time) => new Date(time).toLocaleString();
