// The secret key: asked for when the API wants one, kept for this tab only.

import { byId, setText } from "./dom.js";

const STORED = "playvitals.key";

export class KeyForm {
  #onKey;

  /** `onKey()` is called when there is another key, or none. */
  constructor(onKey) {
    this.#onKey = onKey;
    this.card = byId("key");
    this.input = byId("key-input");
    this.forget = byId("forget-key");
    this.without = byId("without-key");
    byId("key-form").addEventListener("submit", event => {
      event.preventDefault();
      this.#set(this.input.value.trim());
    });
    this.forget.addEventListener("click", () => this.#set(""));
    this.without.addEventListener("click", () => this.#set(""));
    this.forget.hidden = !this.key;
  }

  get key() {
    return sessionStorage.getItem(STORED) ?? "";
  }

  /** Ask for a key, and say why. */
  ask({ status, code, message }) {
    setText(byId("key-reason"), reason(status, code, message, Boolean(this.key)));
    this.without.hidden = !this.key;
    if (!this.card.hidden) return;
    this.card.hidden = false;
    this.input.focus();
  }

  close() {
    this.card.hidden = true;
    this.input.value = "";
  }

  #set(key) {
    if (key) sessionStorage.setItem(STORED, key);
    else sessionStorage.removeItem(STORED);
    this.forget.hidden = !key;
    this.#onKey();
  }
}

function reason(status, code, message, hadKey) {
  if (code === "FORBIDDEN") {
    return "This is a publishable key (pk_…): it may send events, not read figures. Enter a secret key (sk_…).";
  }
  if (code === "ENVIRONMENT_MISMATCH") return `Wrong environment: ${message}.`;
  if (status === 401 && hadKey) return "The API does not know this key. Check it, or enter another one.";
  if (status === 401) return "Only pages opened on the API's own machine need none.";
  return message;
}
