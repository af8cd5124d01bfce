// What the catalogue lacks: the briefs with no good answer, worst first.

import { byId, show, stamp, write } from "../dom.js";
import { plural, similarity } from "../format.js";
import { rowsOfLefts } from "./lefts.js";
import { plainly } from "./words.js";

export class Gaps {
  #api;

  constructor(api) {
    this.#api = api;
  }

  async load() {
    try {
      const { items } = await this.#api.get("/v1/briefs/gaps");
      this.#draw(items);
    } catch (error) {
      write(byId("gaps-note"), error.message);
    }
  }

  #draw(gaps) {
    byId("gap-list").replaceChildren(...gaps.map(cardOf));
    write(byId("gaps-note"), `${plural(gaps.length, "brief")} without a good answer, the worst first.`);
    show(byId("gaps"), gaps.length > 0);
  }
}

function cardOf({ brief, best, matches, reason, constraints }) {
  const card = stamp("card-gap");
  card.querySelector(".title a").href = `/briefs/${brief.id}`;
  write(card.querySelector(".title bdi"), brief.name);
  const found = best === null || matches === 0 ? "nothing found" : `${plural(matches, "match").replace("matchs", "matches")}, best ${similarity(best)}`;
  write(card.querySelector(".best"), found);
  write(card.querySelector(".reason"), plainly(reason));
  card.querySelector(".lefts").replaceChildren(...rowsOfLefts(constraints, null));
  return card;
}
