// What happens in the service, as it happens. Emits "change" with {kind, subject, job}, or with null when anything
// may have changed: server-sent events where they come through, a look now and then where they do not. An EventSource
// cannot send a key, so with one only the looks are left.

const POLL_MS = 2000;
const CALM_POLL_MS = 6000;
const REOPEN_MS = 10_000;
const KINDS = [
  "track.added",
  "track.updated",
  "track.embedded",
  "track.failed",
  "track.deleted",
  "job.updated",
  "encoder.updated",
];

export class Events extends EventTarget {
  #source = null;
  #key;

  constructor(key) {
    super();
    this.#key = key;
  }

  start() {
    if (!this.#key.isSet) this.#open();
    this.#poll();
  }

  /** Whether changes are told as they happen. */
  get isLive() {
    return this.#source?.readyState === EventSource.OPEN;
  }

  #open() {
    this.#source = new EventSource("/v1/events");
    this.#source.onerror = () => {
      // The browser reconnects by itself unless the answer was a refusal, for example for want of a key.
      if (this.#source.readyState === EventSource.CLOSED) setTimeout(() => this.#open(), REOPEN_MS);
    };
    for (const kind of KINDS) this.#source.addEventListener(kind, (event) => this.#tell(kind, event.data));
  }

  #tell(kind, data) {
    this.dispatchEvent(new CustomEvent("change", { detail: { ...JSON.parse(data), kind } }));
  }

  #poll() {
    setTimeout(
      () => {
        this.dispatchEvent(new CustomEvent("change", { detail: null }));
        this.#poll();
      },
      this.isLive ? CALM_POLL_MS : POLL_MS,
    );
  }
}
