// The HTTP API as the page uses it. Every failure is a Problem (the service said no) or Unreachable (it said nothing).

/** An RFC 9457 answer of the service. */
export class Problem extends Error {
  constructor(status, body, retryAfter_s) {
    super(body.detail || body.title || `The service answered ${status}.`);
    this.status = status;
    this.slug = String(body.type ?? "").split(":").pop();
    this.retryAfter_s = retryAfter_s;
    this.faults = body.errors ?? []; // {place, message} each
  }

  /** Whether the same request may succeed later. */
  get passing() {
    return this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** Nothing answered. */
export class Unreachable extends Error {
  constructor() {
    super("The service does not answer.");
  }
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const problemOf = (status, text, retryAfter) => new Problem(status, parsed(text), Number(retryAfter) || null);

export class Api {
  /**
   * @param {Key} key asked for when the service wants one
   * @param {Connection} connection told whether the service answers
   */
  constructor(key, connection) {
    this.key = key;
    this.connection = connection;
  }

  get(path, signal) {
    return this.#json("GET", path, undefined, signal);
  }

  post(path, body, signal) {
    return this.#json("POST", path, body, signal);
  }

  put(path, body, signal) {
    return this.#json("PUT", path, body, signal);
  }

  patch(path, body, signal) {
    return this.#json("PATCH", path, body, signal);
  }

  delete(path, signal) {
    return this.#json("DELETE", path, undefined, signal);
  }

  /**
   * Where the player can take the sound of a track or clip from; only clips expire. A player cannot ask for a key, so
   * where one may be needed the session is looked at first.
   */
  async audioSource(track, signal) {
    if (!this.key.isOpen) this.key.learn(await this.get("/v1/session", signal));
    return `/v1/${"expires_at" in track ? "clips" : "tracks"}/${track.id}/audio`;
  }

  /** Send a file. `onProgress` hears the share that has left, 0 to 1. */
  upload(path, file, { onProgress = () => {}, signal } = {}) {
    return this.#admitted(async () => {
      const headers = await this.key.proof();
      signal?.throwIfAborted();
      return this.#send(path, file, onProgress, signal, headers);
    });
  }

  #json(method, path, body, signal) {
    return this.#admitted(async () => {
      const response = await this.#fetch(method, path, body, signal);
      const text = await response.text();
      if (response.ok) return parsed(text);
      throw problemOf(response.status, text, response.headers.get("Retry-After"));
    });
  }

  /** Do it; where the service wants to know who asks, tell it and do it again. */
  async #admitted(action) {
    const { version } = this.key;
    try {
      return await action();
    } catch (error) {
      if (error.status === 401) await this.key.ask(error.message, version);
      else if (error.slug !== "csrf-token" || !(await this.key.look())) throw error;
    }
    return this.#admitted(action);
  }

  async #fetch(method, path, body, signal) {
    const headers = {
      ...(method === "GET" ? {} : await this.key.proof()),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    };
    try {
      const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal });
      this.connection.answered();
      return response;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.connection.lost();
      throw new Unreachable();
    }
  }

  /** XMLHttpRequest, because fetch does not tell how much of a body has left. */
  #send(path, file, onProgress, signal, headers) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", path);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
      request.onload = () => {
        this.connection.answered();
        const { status, responseText } = request;
        if (status >= 200 && status < 300) resolve(parsed(responseText));
        else reject(problemOf(status, responseText, request.getResponseHeader("Retry-After")));
      };
      request.onerror = () => {
        this.connection.check();
        reject(new Unreachable());
      };
      request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      const body = new FormData();
      body.append("file", file, file.name);
      request.send(body);
    });
  }
}
