// Numbers and names as people read them.

const MINUS = "\u2212";
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** 83.4 → "1:23"; hours appear when there are any. */
export function clock(seconds) {
  if (!Number.isFinite(seconds)) return "–:––";
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** "1:23", "1:02:03" or "83.5" → seconds; `null` for anything else. */
export function seconds(text) {
  const parts = text.trim().split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d+)?$/.test(part))) return null;
  return parts.reduce((sum, part) => 60 * sum + Number(part), 0);
}

/** 0.6667 → "67 %", with a real minus sign. */
export const percent = (share) => `${Math.round(100 * share)} %`.replace("-", MINUS);

/** 0.0123 → "1.2 %": small shares keep a place. */
export const fine = (share) => (share < 0.1 ? `${(100 * share).toFixed(1)} %` : percent(share));

/** A similarity in [-1, 1] with two places and a real minus sign. */
export const similarity = (value) => value.toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", MINUS);

/** A contribution, always signed. */
export const signed = (value) => (value > 0 && similarity(value) !== "0.00" ? `+${similarity(value)}` : similarity(value));

/** A percentile as "top 0.4 %": the share of the catalogue that is at least as similar. */
export function topShare(percentile) {
  const rest = Math.max(100 - percentile, 0.1);
  return `top ${rest < 10 ? rest.toFixed(1) : Math.round(rest)} %`;
}

/** 12345 → "12,345" in the reader's own way. */
export const count = (number) => number.toLocaleString();

/** 4100000 → "4.1 MB". */
export function size(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power ? 1 : 0)} ${UNITS[power]}`;
}

/** "1 track", "2 tracks". */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** What a track is called: its title, else its file name without what only machines need. */
export const titleOf = (track) => track.metadata.title || track.filename.replace(/(?!^)\.\w{1,5}$/, "") || "Untitled";

/** Who made it: artist and album, as far as known. */
export const makersOf = (track) => [track.metadata.artist, track.metadata.album].filter(Boolean).join(" · ");

/** Length, tempo and key, as far as measured. */
export function factsOf(track) {
  const analysis = track.analysis;
  if (!analysis) return "";
  const tempo = analysis.tempo_bpm === null ? null : `${Math.round(analysis.tempo_bpm)} bpm`;
  return [clock(analysis.duration_s), tempo, analysis.key].filter(Boolean).join(" · ");
}

/** A tag as it is compared: without case. */
export const folded = (tag) => tag.normalize("NFC").toLowerCase();
