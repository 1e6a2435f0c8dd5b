// The connection to the live stream: opened, kept, opened again when it ends.

import { EventParser } from "./sse.js";

const PATH = "/live/stream";
const WAITS_SECONDS = [1, 2, 4, 8, 15];
/** The stream speaks every second; after this silence the connection is gone. */
const SILENCE_MS = 20_000;

/** An answer that is no stream. */
class Refusal extends Error {
  constructor(status, code, message, retrySeconds) {
    super(message);
    this.status = status;
    this.code = code;
    this.retrySeconds = retrySeconds;
  }
}

/**
 * Calls `onEvent(event, data)` and `onState(state)`. The kinds of state: connecting, live,
 * waiting {seconds, reason}, refused {status, code, message}, paused.
 */
export class LiveStream {
  #key;
  #onEvent;
  #onState;
  #query = "";
  #abort = null;
  #timer = 0;
  #failures = 0;

  constructor({ key, onEvent, onState }) {
    this.#key = key;
    this.#onEvent = onEvent;
    this.#onState = onState;
  }

  /** Connect with this selection, instead of any connection before. */
  open(selection) {
    this.#query = new URLSearchParams(selection).toString();
    this.#failures = 0;
    this.reconnect();
  }

  /** Connect now, with the last selection. */
  reconnect() {
    this.#end();
    this.#abort = new AbortController();
    this.#onState({ kind: "connecting" });
    void this.#run(this.#abort);
  }

  pause() {
    this.#end();
    this.#onState({ kind: "paused" });
  }

  #end() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  async #run(abort) {
    let failure;
    try {
      await this.#read(abort);
      failure = new Error("the API ended the stream");
    } catch (error) {
      failure = error;
    }
    // Whoever aborted it has gone on already.
    if (abort !== this.#abort) return;
    this.#end();
    if (failure instanceof Refusal && [400, 401, 403].includes(failure.status)) {
      const { status, code, message } = failure;
      this.#onState({ kind: "refused", status, code, message });
    } else {
      this.#wait(failure);
    }
  }

  async #read(abort) {
    const key = this.#key();
    const headers = { Accept: "text/event-stream" };
    if (key) headers.Authorization = `Bearer ${key}`;
    let silence = setTimeout(() => abort.abort(new Error("the API is silent")), SILENCE_MS);
    try {
      const url = this.#query ? `${PATH}?${this.#query}` : PATH;
      const answer = await fetch(url, { headers, signal: abort.signal, cache: "no-store" });
      if (!answer.ok) throw await refusal(answer);
      const parser = new EventParser();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || abort !== this.#abort) return;
        clearTimeout(silence);
        silence = setTimeout(() => abort.abort(new Error("the API is silent")), SILENCE_MS);
        for (const { event, data } of parser.push(value)) {
          if (event === "settings") {
            this.#failures = 0;
            this.#onState({ kind: "live" });
          }
          this.#onEvent(event, data);
        }
      }
    } finally {
      clearTimeout(silence);
    }
  }

  #wait(failure) {
    const wait = WAITS_SECONDS[Math.min(this.#failures, WAITS_SECONDS.length - 1)];
    this.#failures += 1;
    let seconds = Math.max(wait, failure.retrySeconds ?? 0);
    const reason = reasonOf(failure);
    const tick = () => {
      if (seconds <= 0) {
        this.reconnect();
        return;
      }
      this.#onState({ kind: "waiting", seconds, reason });
      seconds -= 1;
      this.#timer = setTimeout(tick, 1000);
    };
    tick();
  }
}

async function refusal(answer) {
  let code = "";
  let message = `the API answered ${answer.status}`;
  try {
    const { error } = await answer.json();
    code = String(error.code);
    message = String(error.message);
  } catch {
    // A proxy's page, not our envelope: the status says enough.
  }
  return new Refusal(answer.status, code, message, Number(answer.headers.get("Retry-After")) || 0);
}

function reasonOf(failure) {
  if (failure instanceof Refusal) return failure.message;
  if (failure instanceof TypeError) return "the API does not answer";
  return failure.message || "the connection was lost";
}
