// The present search as the request of a brief, left where the page of briefs finds it.

const PLACE = "soundkin.brief-draft";
const K = 20;

/** Whether there is a track or clip to find a replacement for. */
export const canBecomeBrief = (query) => query.terms.some((term) => "track" in term || "clip" in term);

/** The request: the first reference is what is replaced. */
export function briefOf(query, filters) {
  const { terms } = query;
  const reference = terms.find((term) => "track" in term || "clip" in term);
  return {
    encoder: query.encoder.name,
    reference,
    terms: terms.filter((term) => term !== reference),
    constraints: constraintsOf(filters),
    ...filters.options,
    k: K,
  };
}

/** Open the page of briefs with this search filled in. */
export function openBrief(query, filters) {
  sessionStorage.setItem(PLACE, JSON.stringify(briefOf(query, filters)));
  location.assign("/briefs#new");
}

function constraintsOf(filters) {
  const all = {
    licences: filters.licences,
    duration_s: filters.duration,
    tempo_bpm: Object.keys(filters.tempo).length ? { ...filters.tempo, octaves: false } : {},
    key: filters.key,
    other_artist: filters.otherArtist,
    tags_required: filters.tagsRequired,
    tags_excluded: filters.tagsExcluded,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => isAsked(value)));
}

const isAsked = (value) => (typeof value === "object" ? Object.keys(value).length > 0 : Boolean(value));
