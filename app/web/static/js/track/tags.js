// The tags of a track: its own, those that encoders hear, and those that somebody denied. Emits "change" with the track.

import { byId, show, stamp, write } from "../dom.js";
import { folded, percent } from "../format.js";

const CERTAIN = 0.5;
const MOST_HEARD = 40;

const includes = (tags, tag) => tags.some((each) => folded(each) === folded(tag));
const withTag = (tags, tag) => (includes(tags, tag) ? tags : [...tags, tag]);
const without = (tags, tag) => tags.filter((each) => folded(each) !== folded(tag));

export class Tags extends EventTarget {
  #api;
  #track = null;
  #heard = [];
  #least = CERTAIN;
  #saved = Promise.resolve(); // the save before: lists are sent whole, so the next one begins with what it left

  constructor(api) {
    super();
    this.#api = api;
    byId("tag-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add(byId("tag-input").value.trim());
      byId("tag-input").value = "";
    });
    byId("heard-more").addEventListener("click", () => {
      this.#least = 0;
      this.#draw();
    });
  }

  show(track) {
    this.#track = track;
    this.#draw();
  }

  /** Take what encoders hear: {tag, confidence} each, also when it is the same tag twice. */
  hear(tags) {
    const surest = new Map();
    for (const each of tags.toSorted((one, other) => one.confidence - other.confidence)) surest.set(folded(each.tag), each);
    this.#heard = [...surest.values()].reverse();
    this.#draw();
  }

  async offer() {
    const { items } = await this.#api.get("/v1/tags/counts?limit=200").catch(() => ({ items: [] }));
    byId("tag-names").replaceChildren(...items.map(({ tag }) => new Option("", tag)));
  }

  #draw() {
    const focused = placeOfFocus();
    this.#drawLists();
    if (focused) focusAgain(focused);
  }

  #drawLists() {
    const [tags, denied] = [this.#mine, this.#denials];
    const settled = new Set([...tags, ...denied].map(folded));
    const open = this.#heard.filter(({ tag }) => !settled.has(folded(tag)));
    const shown = open.filter(({ confidence }) => confidence >= this.#least).slice(0, MOST_HEARD);
    byId("own-tags").replaceChildren(...tags.map((tag) => this.#own(tag)));
    byId("heard-tags").replaceChildren(...shown.map((each) => this.#candidate(each)));
    byId("denied-tags").replaceChildren(...denied.map((tag) => this.#denied(tag)));
    show(byId("heard"), open.length > 0);
    show(byId("heard-more"), shown.length < Math.min(open.length, MOST_HEARD));
    show(byId("denied"), denied.length > 0);
  }

  #own(tag) {
    const chip = chipOf(tag, "own");
    chip.append(this.#button("close", `Remove ${tag}`, () => ({ tags: without(this.#mine, tag) })));
    return chip;
  }

  #candidate({ tag, confidence }) {
    const chip = chipOf(tag, "heard");
    write(chip.querySelector(".confidence"), percent(confidence));
    show(chip.querySelector(".confidence"), true);
    chip.append(
      this.#button("check", `Accept ${tag}`, () => ({ tags: withTag(this.#mine, tag) })),
      this.#button("close", `Deny ${tag}`, () => ({ denied_tags: withTag(this.#denials, tag) })),
    );
    return chip;
  }

  #denied(tag) {
    const chip = chipOf(tag, "denied");
    chip.append(this.#button("retry", `Do not deny ${tag}`, () => ({ denied_tags: without(this.#denials, tag) })));
    return chip;
  }

  get #mine() {
    return this.#track.metadata.tags;
  }

  get #denials() {
    return this.#track.metadata.denied_tags ?? [];
  }

  #button(icon, label, change) {
    const button = stamp("row-chip-button");
    button.querySelector("use").setAttribute("href", `#${icon}`);
    button.setAttribute("aria-label", label.slice(0, 100));
    button.title = label.slice(0, 100);
    button.addEventListener("click", () => this.#save(change));
    return button;
  }

  #add(tag) {
    if (tag && !includes(this.#mine, tag)) this.#save(() => ({ tags: withTag(this.#mine, tag) }));
  }

  /** Save what `change` makes of the lists once its turn has come. */
  #save(change) {
    this.#saved = this.#saved.then(() => this.#send(change()));
  }

  async #send(change) {
    try {
      const track = await this.#api.patch(`/v1/tracks/${this.#track.id}`, change);
      this.#track = track;
      write(byId("tags-note"), "Saved");
      this.dispatchEvent(new CustomEvent("change", { detail: track }));
    } catch (error) {
      write(byId("tags-note"), error.faults?.[0]?.message ?? error.message);
    }
  }
}

/** Where the focus is, if on a chip: a chip that was dealt with goes, and the focus must not get lost with it. */
function placeOfFocus() {
  const chip = document.activeElement.closest(".chip");
  if (!chip) return null;
  return {
    list: chip.parentElement,
    place: [...chip.parentElement.children].indexOf(chip),
    button: [...chip.querySelectorAll("button")].indexOf(document.activeElement),
  };
}

function focusAgain({ list, place, button }) {
  const chip = list.children[Math.min(place, list.children.length - 1)];
  (chip?.querySelectorAll("button")[button] ?? byId("tag-input")).focus();
}

function chipOf(tag, kind) {
  const chip = stamp("row-chip");
  chip.classList.add(kind);
  write(chip.firstElementChild, tag);
  return chip;
}
