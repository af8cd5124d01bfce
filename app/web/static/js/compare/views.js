// The ways to hear the catalogue that can be compared: each encoder as a whole, each of its dimensions alone, and
// weights that were saved.

const WHOLE = "whole";

/**
 * Load them.
 * @returns {views, encoders}: a view is {key, label, group, encoder, weights, spaces}
 */
export async function loadViews(api) {
  const [{ items: all }, { items: saved }] = await Promise.all([
    api.get("/v1/encoders"),
    api.get("/v1/weightings").catch(() => ({ items: [] })),
  ]);
  const encoders = all.filter(({ state }) => state === "ready");
  return { encoders, views: encoders.flatMap((encoder) => viewsOf(encoder, saved.filter((each) => each.encoder === encoder.name))) };
}

function viewsOf(encoder, saved) {
  const of = (key, label, weights) => ({ key: `${encoder.name}/${key}`, label, group: encoder.name, encoder, weights });
  const single = encoder.spaces.length > 1 ? encoder.spaces : [];
  return [
    of(WHOLE, encoder.name, null),
    ...single.map(({ name }) => of(name, `${encoder.name}: ${name} only`, { [name]: 1 })),
    ...saved.map(({ id, name, weights }) => of(id, `${encoder.name}: “${name.slice(0, 60)}”`, weights)),
  ];
}

/** The two that are shown first: the default encoder, and the next one or else its first dimension. */
export function usualPair(views) {
  const wholes = views.filter(({ weights }) => weights === null);
  const first = wholes.find(({ encoder }) => encoder.is_default) ?? wholes[0];
  const second = wholes.find((view) => view !== first) ?? views.find((view) => view !== first) ?? first;
  return [first, second];
}
