// What is asked: references, each with a weight for every dimension, and tags. Emits "terms" when a reference or tag
// comes, goes or is cut otherwise, and "weights" when only a weight changes.

export const LEAST = -1;
export const MOST = 2;
export const MOST_REFERENCES = 12;
const HUES = 8;

/** Whether it is a clip; only clips expire. */
export const isClip = (track) => "expires_at" in track;

export class Query extends EventTarget {
  #encoder = null;
  #used = "";
  #dimensions = [];
  #voices = [];
  #tags = [];
  #made = 0;

  /**
   * Weigh the spaces of this encoder, and each of the others as a whole. Weights are kept by name.
   * @returns whether that is anything new
   */
  use(encoder, others) {
    const used = [encoder, ...others].map(({ id }) => id).join();
    if (used === this.#used) return false;
    this.#used = used;
    this.#encoder = encoder;
    const own = encoder.spaces.map(({ name, description }) => ({ name, description, usual: 1, spaces: [`${encoder.name}.${name}`] }));
    const mixed = others.map(({ name, spaces }) => ({
      name,
      description: `All that the encoder ${name} hears, mixed in`,
      usual: 0,
      spaces: spaces.map((space) => `${name}.${space.name}`),
    }));
    this.#dimensions = [...own, ...mixed].map((each, place) => ({ ...each, hue: String(place % HUES) }));
    const known = new Set([encoder, ...others].map(({ name }) => name));
    this.#tags = this.#tags.filter((tag) => known.has(tag.encoder));
    this.#emit("terms");
    return true;
  }

  get encoder() {
    return this.#encoder;
  }

  /** {name, description, usual, spaces, hue}: one for each space of the encoder, and one for each other encoder. */
  get dimensions() {
    return this.#dimensions;
  }

  /** The references, {key, track, part, weights}: of `weights` only what was moved. */
  get voices() {
    return this.#voices;
  }

  /** {key, encoder, space, tag, weight} */
  get tags() {
    return this.#tags;
  }

  get isEmpty() {
    return !this.#voices.length && !this.#tags.length;
  }

  /** Replace everything: references are {track, part, weights}, tags {encoder, space, tag, weight}. */
  set(references, tags) {
    this.#voices = references.slice(0, MOST_REFERENCES).map((each) => this.#voiceOf(each));
    this.#tags = tags.map((tag) => ({ key: ++this.#made, ...tag }));
    this.#emit("terms");
  }

  /** Compare with one track or clip alone, by the weights of the first reference. */
  replace(track) {
    this.#voices = [this.#voiceOf({ track, weights: this.#voices[0]?.weights })];
    this.#emit("terms");
  }

  /** Compare with one more; one that is there already is not added twice. Returns whether there was room. */
  add(track) {
    if (this.#voices.some((voice) => voice.track.id === track.id)) return true;
    if (this.#voices.length === MOST_REFERENCES) return false;
    this.#voices = [...this.#voices, this.#voiceOf({ track })];
    this.#emit("terms");
    return true;
  }

  /** Take what is known of a reference by now. */
  renew(track) {
    for (const voice of this.#voices) if (voice.track.id === track.id) voice.track = track;
  }

  remove(voice) {
    this.#voices = this.#voices.filter((each) => each !== voice);
    this.#emit("terms");
  }

  /** Compare with a part of a reference, {start_s, end_s}; `null` is all of it. */
  cut(voice, part) {
    voice.part = part;
    this.#emit("terms");
  }

  addTag({ encoder, space, tag }, weight = 1) {
    if (this.#tags.some((each) => each.tag === tag && each.space === space && each.encoder === encoder)) return;
    this.#tags = [...this.#tags, { key: ++this.#made, encoder, space, tag, weight }];
    this.#emit("terms");
  }

  removeTag(tag) {
    this.#tags = this.#tags.filter((each) => each !== tag);
    this.#emit("terms");
  }

  weightOf(voice, { name, usual }) {
    return voice.weights[name] ?? usual;
  }

  weigh(voice, name, weight) {
    voice.weights[name] = weight;
    this.#emit("weights");
  }

  /** Weigh a reference by these weights alone; what they do not name is ignored. */
  weighBy(voice, weights) {
    voice.weights = this.#byDimension(weights);
    this.#emit("weights");
  }

  /** Weigh all that is asked with anew: weights by space, for each of `everything`. */
  weighAll(weightsOfTerms) {
    this.#voices.forEach((voice, place) => (voice.weights = this.#byDimension(weightsOfTerms[place])));
    this.#tags.forEach((tag, place) => ([tag.weight] = Object.values(weightsOfTerms[this.#voices.length + place]).map(bounded)));
    this.#emit("weights");
  }

  weighTag(tag, weight) {
    tag.weight = weight;
    this.#emit("weights");
  }

  /** Put every weight where it usually is. */
  reset() {
    for (const voice of this.#voices) voice.weights = {};
    for (const tag of this.#tags) tag.weight = 1;
    this.#emit("weights");
  }

  /** Weight by name of a space or an encoder, without those that are ignored. */
  weightsOf(voice) {
    const all = this.#dimensions.map((dimension) => [dimension.name, this.weightOf(voice, dimension)]);
    return Object.fromEntries(all.filter(([, weight]) => weight !== 0));
  }

  /** As a search takes them; what is ignored altogether is left out. */
  get terms() {
    return this.everything.filter(({ weight, weights }) => (weights ? Object.keys(weights).length > 0 : weight !== 0));
  }

  /** All references and then all tags as a search takes them, ignored or not. */
  get everything() {
    return [...this.#voices.map((voice) => this.#referenceTerm(voice)), ...this.#tags.map((tag) => this.#tagTerm(tag))];
  }

  /** Names of the encoders that count, in one text. */
  get asked() {
    const counting = this.#dimensions.filter((dimension) => this.#voices.some((voice) => this.weightOf(voice, dimension) !== 0));
    const ofReferences = counting.map(({ spaces }) => spaces[0].split(".")[0]);
    const ofTags = this.#tags.filter(({ weight }) => weight !== 0).map(({ encoder }) => encoder);
    return [...new Set([...ofReferences, ...ofTags])].sort().join();
  }

  /** The hue of a space of an answer, by its name there. */
  hueOf(encoders, name) {
    return this.#dimensionOf(encoders.length > 1 ? name : `${encoders[0]}.${name}`)?.hue ?? "0";
  }

  /** How much each term counts, as the service used them: {voices: key → dimension → share, tags: key → share}. */
  sharesOf({ encoders, weights }) {
    const shares = { voices: new Map(this.#voices.map(({ key }) => [key, {}])), tags: new Map() };
    for (const [name, share] of Object.entries(weights)) {
      const space = encoders.length > 1 ? name : `${encoders[0]}.${name}`;
      this.#split(space, Math.abs(share), shares);
    }
    return shares;
  }

  /** A space's share belongs to its terms as their weights do. */
  #split(space, share, shares) {
    const dimension = this.#dimensionOf(space);
    const tags = this.#tags.filter((tag) => `${tag.encoder}.${tag.space}` === space);
    const weightIn = (voice) => (dimension ? this.weightOf(voice, dimension) / (dimension.usual === 0 ? dimension.spaces.length : 1) : 0);
    const sum = [...this.#voices.map(weightIn), ...tags.map(({ weight }) => weight)].reduce((all, weight) => all + Math.abs(weight), 0);
    if (!sum) return;
    for (const voice of dimension ? this.#voices : []) {
      const own = shares.voices.get(voice.key);
      own[dimension.name] = (own[dimension.name] ?? 0) + (share * weightIn(voice)) / sum;
    }
    for (const tag of tags) shares.tags.set(tag.key, (share * tag.weight) / sum);
  }

  /** Weights as the sliders have them, of weights by the names of dimensions or of `encoder.space`, which add up. */
  #byDimension(weights) {
    const weightOf = ({ name, spaces }) => weights[name] ?? spaces.reduce((sum, space) => sum + (weights[space] ?? 0), 0);
    return Object.fromEntries(this.#dimensions.map((dimension) => [dimension.name, bounded(weightOf(dimension))]));
  }

  #dimensionOf(space) {
    return this.#dimensions.find(({ spaces }) => spaces.includes(space));
  }

  #voiceOf({ track, part = null, weights = {} }) {
    return { key: ++this.#made, track, part, weights: { ...weights } };
  }

  #referenceTerm(voice) {
    const { track, part } = voice;
    const term = { [isClip(track) ? "clip" : "track"]: track.id, weights: this.weightsOf(voice) };
    return part ? { ...term, segment: part } : term;
  }

  #tagTerm({ encoder, space, tag, weight }) {
    return { tag, weight, space: encoder === this.#encoder.name ? space : `${encoder}.${space}` };
  }

  #emit(name) {
    this.dispatchEvent(new Event(name));
  }
}

const bounded = (weight) => Math.min(MOST, Math.max(LEAST, weight));
