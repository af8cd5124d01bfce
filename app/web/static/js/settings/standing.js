// How far each encoder has come, and what an admin can do about it.

import { confirmed } from "../confirm.js";
import { byId, show, stamp, write } from "../dom.js";
import { count, fine, plural } from "../format.js";

const CONFLICT = 409;

export class Standing {
  #api;
  #toasts;
  #mayPromote = false;

  constructor(api, toasts) {
    this.#api = api;
    this.#toasts = toasts;
  }

  /** @param mayPromote whether the caller is an admin; `undefined` for as before */
  async load(mayPromote = this.#mayPromote) {
    this.#mayPromote = mayPromote;
    try {
      const { items } = await this.#api.get("/v1/encoders");
      byId("encoder-rows").replaceChildren(...items.map((encoder) => this.#row(encoder)));
      write(byId("encoders-note"), items.length ? "" : "No worker has announced one yet.");
    } catch (error) {
      write(byId("encoders-note"), error.message);
    }
    show(byId("encoders-note"), byId("encoders-note").textContent !== "");
  }

  #row(encoder) {
    const row = stamp("row-encoder-standing");
    const [standard, state] = row.querySelectorAll(".badge");
    write(row.querySelector("h3 bdi"), encoder.name);
    write(row.querySelector(".version"), encoder.version ? `version ${encoder.version}` : "");
    write(standard, "default");
    show(standard, encoder.is_default);
    state.dataset.state = encoder.state;
    write(state, encoder.state);
    row.querySelector(".meter > span").style.width = `${100 * encoder.embedded_share}%`;
    write(row.querySelector(".covered"), `${plural(encoder.embedded, "track")} embedded, ${fine(encoder.embedded_share)} of the library`);
    write(row.querySelector(".knows"), knowledgeOf(encoder));
    this.#offer(row.querySelector(".promote"), encoder);
    return row;
  }

  /** A shadow can take over from the one of its name; a ready one can become the default. */
  #offer(button, encoder) {
    const isShadow = encoder.state === "shadow";
    const offer = this.#mayPromote && (isShadow || (encoder.state === "ready" && !encoder.is_default));
    show(button, offer);
    write(button, isShadow ? "Promote" : "Make it the default");
    button.setAttribute("aria-label", `${button.textContent}: ${encoder.name}`);
    button.addEventListener("click", () => this.#promote(encoder, `default=${!isShadow || encoder.is_default}`));
  }

  async #promote(encoder, query) {
    try {
      await this.#api.post(`/v1/encoders/${encoder.id}/promote?${query}`);
      this.#toasts.say(`Searches now use ${encoder.name}`);
    } catch (error) {
      if (error.status === CONFLICT && !query.includes("force") && (await this.#insists(error))) return this.#promote(encoder, `${query}&force=true`);
      if (error.status !== CONFLICT) this.#toasts.fail(error);
    }
    return this.load();
  }

  #insists(error) {
    return confirmed({ title: "Some tracks would not be found", text: error.message, action: "Promote it anyway" });
  }
}

function knowledgeOf({ spaces, tags, components }) {
  const total = (amounts) => amounts.reduce((sum, amount) => sum + amount, 0);
  const [tagCount, componentCount] = [total(Object.values(tags).map(({ length }) => length)), total(Object.values(components))];
  return [
    spaces.map(({ name }) => name).join(", "),
    tagCount ? `knows ${count(tagCount)} tags` : null,
    componentCount ? `${count(componentCount)} components` : null,
  ]
    .filter(Boolean)
    .join(" · ");
}
