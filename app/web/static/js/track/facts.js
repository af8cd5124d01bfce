// What was measured, and the file it was measured in.

import { byId, show, write } from "../dom.js";
import { fillFacts } from "../facts.js";
import { clock, percent, size } from "../format.js";

const DAY = { dateStyle: "medium", timeStyle: "short" };

export function drawFacts(track) {
  const { analysis } = track;
  fillFacts(byId("analysis-facts"), analysis ? measured(analysis) : [["", "Nothing is measured yet."]]);
  fillFacts(byId("file-facts"), [
    ["Name", track.filename],
    ["Size", size(track.size_bytes)],
    ["Type", track.content_type],
    ["Added", new Date(track.created_at).toLocaleString(undefined, DAY)],
    ["Changed", new Date(track.updated_at).toLocaleString(undefined, DAY)],
    ["SHA-256", `${track.sha256.slice(0, 16)}…`],
    ["Audio", track.has_audio ? null : "not kept"],
  ]);
  const warnings = analysis?.decode_warnings ?? [];
  write(byId("warnings-text"), warnings.join(" "));
  show(byId("warnings"), warnings.length > 0);
}

function measured(analysis) {
  const sure = (confidence) => ` · ${percent(confidence)} sure`;
  const channels = { 1: "mono", 2: "stereo" }[analysis.channels] ?? `${analysis.channels} channels`;
  return [
    ["Length", clock(analysis.duration_s)],
    ["Tempo", analysis.tempo_bpm === null ? "none to be felt" : `${analysis.tempo_bpm.toFixed(1)} bpm${sure(analysis.tempo_confidence)}`],
    ["Key", analysis.key === null ? "none to be heard" : analysis.key + sure(analysis.key_confidence)],
    ["Loudness", analysis.loudness_lufs === null ? null : `${analysis.loudness_lufs.toFixed(1).replace("-", "\u2212")} LUFS`],
    ["Sound", `${analysis.codec}, ${(analysis.sample_rate_hz / 1000).toLocaleString()} kHz, ${channels}`],
    ...Object.entries(analysis.certainty).map(([encoder, certainty]) => [encoder, `${percent(certainty)} certain`]),
  ];
}
