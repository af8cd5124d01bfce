// What matters: a card of sliders for each reference, a slider for each tag, and the shares of the query as a plot.

import { byId, show } from "./dom.js";
import { percent } from "./format.js";
import { radar } from "./radar.js";
import { Slider } from "./search/slider.js";
import { VoiceCard } from "./search/voice_card.js";

const FEWEST_AXES = 3;

export class Mix {
  #query;
  #player;
  #cards = new Map();
  #tags = new Map();

  constructor(query, player) {
    this.#query = query;
    this.#player = player;
    byId("mix-reset").addEventListener("click", () => query.reset());
    player.addEventListener("change", () => this.#cards.forEach((card) => card.markSounding()));
    for (const name of ["terms", "weights"]) query.addEventListener(name, () => this.draw());
  }

  draw() {
    const { voices, tags } = this.#query;
    show(byId("mix"), !this.#query.isEmpty);
    keep(byId("sliders"), this.#cards, voices, (voice) => new VoiceCard(this.#query, this.#player, voice));
    keep(byId("tag-terms"), this.#tags, tags, (tag) => this.#newTag(tag));
    this.#cards.forEach((card) => card.draw(voices.length === 1));
    for (const tag of tags) this.#tags.get(tag.key).weight = tag.weight;
    byId("mix-body").classList.toggle("many", voices.length > 1);
    byId("mix-body").classList.toggle("pair", voices.length === 2);
    show(byId("tag-terms"), tags.length > 0);
  }

  /** Show how much each slider counts in the query, as the service used it. */
  showShares(used) {
    const shares = this.#query.sharesOf(used);
    for (const [key, card] of this.#cards) card.showShares(shares.voices.get(key) ?? {});
    for (const [key, slider] of this.#tags) slider.showShare(shares.tags.get(key) ?? 0);
    this.#drawRadar(used);
  }

  #drawRadar({ encoders, weights }) {
    const most = Math.max(...Object.values(weights).map(Math.abs));
    const counting = Object.entries(weights).filter(([, share]) => encoders.length === 1 || share !== 0);
    const axes = counting.map(([name, share]) => ({
      label: name.split(".").pop(),
      note: share === 0 ? "ignored" : percent(share),
      hue: this.#query.hueOf(encoders, name),
      values: [Math.abs(share) / most],
    }));
    const shown = axes.length >= FEWEST_AXES && this.#query.voices.length > 0;
    show(byId("mix-radar"), shown);
    const words = `Share of each dimension in the query: ${axes.map(({ label, note }) => `${label} ${note}`).join(", ")}`;
    byId("mix-radar").replaceChildren(...(shown ? [radar(axes, ["asked"], words)] : []));
  }

  #newTag(tag) {
    const hue = this.#query.hueOf([tag.encoder], tag.space);
    const what = { id: `tag-${tag.key}`, name: tag.tag, label: tag.tag, title: `Tag of the space ${tag.space}, encoder ${tag.encoder}`, hue, usual: 1 };
    const slider = new Slider("row-tag-term", what, (weight) => this.#query.weighTag(tag, weight));
    const remove = slider.element.querySelector(".remove");
    remove.setAttribute("aria-label", `Remove the tag ${tag.tag.slice(0, 80)}`);
    remove.addEventListener("click", () => {
      this.#query.removeTag(tag);
      byId("tag-text").focus();
    });
    return slider;
  }
}

/** Make, keep and remove elements so that there is one for each item, by its key and in its order. */
function keep(place, made, items, make) {
  const keys = new Set(items.map(({ key }) => key));
  for (const [key, { element }] of made) {
    if (keys.has(key)) continue;
    element.remove();
    made.delete(key);
  }
  items.forEach((item, position) => {
    if (!made.has(item.key)) made.set(item.key, make(item));
    const { element } = made.get(item.key);
    if (place.children[position] !== element) place.insertBefore(element, place.children[position] ?? null);
  });
}
