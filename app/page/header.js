// The connection, in one word and a dot; said aloud only when its kind changes.

import { byId, setText } from "./dom.js";

const WORDS = {
  connecting: () => "Connecting",
  live: () => "Live",
  waiting: state => `Reconnecting in ${state.seconds} s`,
  refused: () => "Key wanted",
  paused: () => "Paused",
};
const SPOKEN = {
  live: "Live",
  waiting: "Connection lost, reconnecting",
  refused: "A key is wanted",
};

export class Header {
  #spoken = "";

  constructor(onRetry) {
    this.pill = byId("connection");
    this.text = byId("connection-text");
    this.retry = byId("retry");
    this.retry.addEventListener("click", onRetry);
  }

  show(state) {
    this.pill.dataset.state = state.kind;
    setText(this.text, WORDS[state.kind](state));
    this.retry.hidden = state.kind !== "waiting";
    const words = SPOKEN[state.kind];
    if (words && words !== this.#spoken) {
      this.#spoken = words;
      announce(words);
    }
  }
}

/** Say something to those who listen instead of looking. */
export function announce(words) {
  setText(byId("announcer"), words);
}
