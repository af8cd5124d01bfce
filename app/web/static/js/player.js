// The one player at the bottom of the page. It plays a track or clip, from any second on. Emits "change" when another
// track sounds or none does, and "move" as the sound goes on.

import { byId, fillRail, show, write } from "./dom.js";
import { clock, makersOf, titleOf } from "./format.js";

const UNPLAYABLE = 4; // MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED

export class Player extends EventTarget {
  #api;
  #audio = byId("audio");
  #bar = byId("player");
  #seek = byId("player-seek");
  #toggle = byId("player-toggle");
  #playing = null; // { track, segment }
  #dragging = false;
  #loading = null;
  #following = []; // parts to play when this one has ended

  constructor(api) {
    super();
    this.#api = api;
    for (const name of ["play", "pause", "ended"]) this.#audio.addEventListener(name, () => this.#changed());
    for (const name of ["timeupdate", "durationchange", "seeked", "ended"]) this.#audio.addEventListener(name, () => this.#moved());
    this.#audio.addEventListener("error", () => this.#failed());
    this.#toggle.addEventListener("click", () => this.#playOrPause());
    this.#seek.addEventListener("input", () => this.#drag());
    this.#seek.addEventListener("change", () => this.#drop());
    byId("player-close").addEventListener("click", () => this.close());
  }

  /** Whether this track is sounding now. */
  isPlaying(id) {
    return this.#playing?.track.id === id && !this.#audio.paused;
  }

  /**
   * Play the track, or pause it if it is the one that plays.
   * @param segment {start_s, end_s}: where to begin, marked on the seek bar
   */
  toggle(track, segment = null) {
    if (this.#playing?.track.id === track.id) this.#playOrPause();
    else this.#load(track, segment);
  }

  /**
   * Play the track from this second on, whatever plays now.
   * @param segment {start_s, end_s}: marked on the seek bar
   */
  playFrom(track, start_s, segment = null) {
    if (this.#playing?.track.id !== track.id || !this.#audio.src) return this.#load(track, segment, start_s);
    this.#following = [];
    this.#playing.segment = segment;
    this.#audio.currentTime = start_s;
    return this.#play();
  }

  /** How far this track has come, in seconds; `null` while another or none is open. */
  secondsOf(id) {
    return this.#playing?.track.id === id ? this.#audio.currentTime : null;
  }

  /**
   * Play parts of tracks one after the other: each but the last only until it ends.
   * @param parts {track, segment} each
   */
  playParts([first, ...following]) {
    this.#load(first.track, first.segment);
    this.#following = following;
  }

  close() {
    this.#forget();
    show(this.#bar, false);
    document.body.classList.remove("with-player");
    this.#changed();
  }

  async #load(track, segment, start_s = segment?.start_s ?? 0) {
    this.#forget();
    const loading = new AbortController();
    this.#loading = loading;
    this.#playing = { track, segment };
    write(byId("player-title"), titleOf(track));
    this.#say(segment ? `closest part from ${clock(segment.start_s)}` : makersOf(track));
    show(this.#bar, true);
    document.body.classList.add("with-player");
    try {
      const source = await this.#api.audioSource(track, loading.signal);
      if (loading.signal.aborted) return;
      this.#audio.src = start_s > 0 ? `${source}#t=${start_s.toFixed(2)}` : source;
      this.#play();
    } catch (error) {
      if (!loading.signal.aborted) this.#say(error.message);
    }
  }

  #say(note) {
    write(byId("player-note"), note);
  }

  #forget() {
    this.#loading?.abort();
    this.#following = [];
    if (!this.#playing) return;
    this.#playing = null;
    this.#audio.removeAttribute("src");
    this.#audio.load();
  }

  #playOrPause() {
    if (!this.#audio.paused) this.#audio.pause();
    else if (this.#audio.src) this.#play();
    else this.#load(this.#playing.track, this.#playing.segment); // its source could not be had
  }

  #play() {
    if (this.#audio.error) this.#fetchAgain();
    // A refusal also arrives as an error event, and an abort only means that another track was chosen.
    this.#audio.play().catch(() => this.#changed());
  }

  /** After an error nothing comes any more unless it is asked for anew. */
  #fetchAgain() {
    const { currentTime } = this.#audio;
    this.#audio.load();
    this.#audio.currentTime = currentTime;
  }

  #failed() {
    if (!this.#playing) return;
    const { code } = this.#audio.error ?? {};
    const type = this.#playing.track.content_type;
    this.#say(
      code === UNPLAYABLE
        ? `This browser cannot play it (${type}), or its audio is no longer kept.`
        : "The audio stopped coming. Press play to try again.",
    );
    this.#audio.pause(); // an error alone does not
    this.#changed();
    this.#playNext();
  }

  #drag() {
    this.#dragging = true;
    this.#draw(Number(this.#seek.value));
  }

  #drop() {
    this.#dragging = false;
    this.#audio.currentTime = Number(this.#seek.value);
  }

  #changed() {
    const sounding = !this.#audio.paused && !this.#audio.ended;
    showSounding(this.#toggle, sounding, sounding ? "Pause" : "Play");
    this.dispatchEvent(new Event("change"));
  }

  #moved() {
    if (this.#dragging || !this.#playing) return;
    const { currentTime, duration } = this.#audio;
    this.#seek.max = Number.isFinite(duration) ? duration : 1;
    this.#seek.value = currentTime;
    write(byId("player-length"), clock(duration));
    this.#draw(currentTime);
    this.#markSegment(duration);
    this.dispatchEvent(new Event("move"));
    if (this.#audio.ended || currentTime >= this.#playing.segment?.end_s) this.#playNext();
  }

  /** Go on with the next part, if there is one. */
  #playNext() {
    if (this.#following.length) this.playParts(this.#following);
  }

  #draw(time_s) {
    write(byId("player-now"), clock(time_s));
    this.#seek.setAttribute("aria-valuetext", `${clock(time_s)} of ${clock(this.#audio.duration)}`);
    fillRail(this.#seek, 0, time_s / this.#seek.max);
  }

  #markSegment(duration) {
    const mark = byId("player-segment");
    const segment = this.#playing.segment;
    show(mark, Boolean(segment) && duration > 0);
    if (mark.hidden) return;
    mark.style.left = `${(100 * segment.start_s) / duration}%`;
    mark.style.width = `${(100 * (Math.min(segment.end_s, duration) - segment.start_s)) / duration}%`;
  }
}

/** Make a play button say whether it would play or pause. */
export function showSounding(button, sounding, label) {
  button.querySelector("use").setAttribute("href", sounding ? "#pause" : "#play");
  button.classList.toggle("playing", sounding);
  button.setAttribute("aria-label", label);
}
