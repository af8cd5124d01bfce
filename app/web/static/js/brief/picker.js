// Choosing the reference of a brief: a track by text, or a file that becomes a clip. Emits "choose".

import { sendClip } from "../clip.js";
import { byId, debounced, show, stamp, write } from "../dom.js";
import { factsOf, makersOf, titleOf } from "../format.js";
import { showSounding } from "../player.js";

const SHOWN = 6;

export class Picker extends EventTarget {
  #api;
  #player;
  #text = byId("brief-find");
  #list = byId("brief-found");
  #note = byId("brief-find-note");
  #clip = byId("brief-clip");
  #chosen = null;
  #asked = 0;
  #sending = null;

  constructor(api, player) {
    super();
    this.#api = api;
    this.#player = player;
    this.#text.addEventListener("input", debounced(() => this.find(), 200));
    this.#text.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
    this.#clip.addEventListener("change", () => this.#send(this.#clip.files[0]));
    byId("brief-chosen-play").addEventListener("click", () => player.toggle(this.#chosen));
    byId("brief-chosen-change").addEventListener("click", () => this.#reopen());
    player.addEventListener("change", () => this.#markSounding());
  }

  /** The track or clip that is chosen, or null. */
  get chosen() {
    return this.#chosen;
  }

  /** Show this track or clip as the chosen one; null opens the search. */
  set chosen(track) {
    this.#sending?.abort();
    this.#chosen = track;
    show(byId("brief-chosen"), track !== null);
    show(byId("brief-picking"), track === null);
    if (track === null) return this.find();
    write(byId("brief-chosen-title"), titleOf(track));
    write(byId("brief-chosen-note"), [makersOf(track), factsOf(track)].filter(Boolean).join(" · "));
    byId("brief-chosen-play").disabled = !track.has_audio;
    this.#markSounding();
  }

  /** Look for tracks with the text in the field. */
  async find() {
    const asking = ++this.#asked;
    const query = new URLSearchParams({ limit: SHOWN, state: "ready" });
    if (this.#text.value.trim()) query.set("text", this.#text.value.trim());
    try {
      const { items } = await this.#api.get(`/v1/tracks?${query}`);
      if (asking === this.#asked) this.#offer(items);
    } catch (error) {
      if (asking === this.#asked) this.#say(error.message);
    }
  }

  #offer(tracks) {
    this.#list.replaceChildren(...tracks.map((track) => this.#row(track)));
    const nothing = this.#text.value.trim() ? "No track has this in its title, artist or album." : "The library has no track that is ready yet.";
    this.#say(tracks.length ? "" : nothing);
    this.#markSounding();
  }

  #row(track) {
    const row = stamp("row-found");
    row.track = track;
    write(row.querySelector(".title"), titleOf(track));
    write(row.querySelector(".by"), makersOf(track));
    write(row.querySelector(".facts"), factsOf(track));
    row.querySelector(".play").disabled = !track.has_audio;
    row.querySelector(".play").addEventListener("click", () => this.#player.toggle(track));
    row.querySelector(".pick").addEventListener("click", () => this.#choose(track));
    return row;
  }

  #choose(track) {
    this.chosen = track;
    byId("brief-chosen-change").focus();
    this.dispatchEvent(new CustomEvent("choose", { detail: track }));
  }

  #reopen() {
    this.chosen = null;
    this.#text.focus();
  }

  async #send(file) {
    this.#clip.value = "";
    if (!file) return;
    this.#sending?.abort();
    const sending = new AbortController();
    this.#sending = sending;
    try {
      const clip = await sendClip(this.#api, file, { onProgress: (note) => this.#say(note), signal: sending.signal });
      if (!sending.signal.aborted) this.#choose(clip);
    } catch (error) {
      if (!sending.signal.aborted) this.#say(error.message);
    }
  }

  #say(text) {
    write(this.#note, text);
    show(this.#note, Boolean(text));
  }

  #markSounding() {
    const rows = [...this.#list.children].map((row) => [row.querySelector(".play"), row.track]);
    if (this.#chosen) rows.push([byId("brief-chosen-play"), this.#chosen]);
    for (const [button, track] of rows) {
      const sounding = this.#player.isPlaying(track.id);
      showSounding(button, sounding, `${sounding ? "Pause" : "Play"} ${titleOf(track).slice(0, 80)}`);
    }
  }
}
