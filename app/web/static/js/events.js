// What happens in the service, as it happens. Emits "change" with {kind, subject, job}, or with null when anything
// may have changed: server-sent events where they come through, a look now and then where they do not. Emits "open"
// when they come through from then on: what changed before that was not told.

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

  start() {
    this.#open();
    this.#poll();
  }

  /** Whether changes are told as they happen. */
  get isLive() {
    return this.#source?.readyState === EventSource.OPEN;
  }

  #open() {
    this.#source = new EventSource("/v1/events");
    this.#source.onerror = () => {
      // The browser reconnects by itself unless the answer was a refusal, for example because the session has ended.
      if (this.#source.readyState === EventSource.CLOSED) setTimeout(() => this.#open(), REOPEN_MS);
    };
    this.#source.addEventListener("connected", () => this.dispatchEvent(new Event("open")));
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
