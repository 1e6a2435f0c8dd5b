// Whether the figures can be trusted: the state of the pipeline, and what it refused.

import { make, setText } from "./dom.js";
import { age, count, rate, text, timeOfDay } from "./format.js";
import { Tile } from "./tiles.js";

const STALE_SECONDS = 30;
const OLD_CHECKPOINT_SECONDS = 120;

const good = words => ["good", words];
const bad = words => ["bad", words];
const plain = words => [null, words];

const TILES = [
  {
    label: "Partitions",
    about: "Raw partitions whose worker reports",
    of: state => state.reporting,
    format: count,
    judge: (value, state) =>
      value === state.partitions
        ? good(`all ${state.partitions} report`)
        : bad(`of ${state.partitions} report`),
  },
  {
    label: "Freshness",
    about: "Age of the newest counted record while others wait",
    of: state => state.freshnessSeconds,
    format: age,
    judge: value => (value < STALE_SECONDS ? good("up to date") : bad("behind")),
  },
  {
    label: "Lag",
    about: "Records of events.raw that wait to be counted",
    of: state => state.lagRecords,
    format: count,
    judge: () => plain("records wait"),
  },
  {
    label: "Ledger",
    about: "Records taken in that are neither accepted, duplicate nor rejected",
    of: state => state.ledgerImbalance,
    format: count,
    judge: value => (value === 0 ? good("balanced") : bad("records unaccounted for")),
  },
  {
    label: "Checkpoint age",
    about: "Of the oldest partition",
    of: state => state.checkpointAgeSeconds,
    format: age,
    judge: value => (value < OLD_CHECKPOINT_SECONDS ? good("recent") : bad("old")),
  },
  {
    label: "Throughput",
    about: "Events per second over the last 10 s",
    of: state => state.eventsPerSecond,
    format: rate,
    judge: () => plain("events"),
  },
  {
    label: "Accepted",
    about: "Events since the beginning",
    of: state => state.accepted,
    format: count,
    judge: (_, state) => plain(`${text(count, state.duplicates)} duplicates`),
  },
];

export class Pipeline {
  #tiles = [];
  #reasons = new Map();

  constructor(tiles, rejected) {
    for (const definition of TILES) {
      const tile = new Tile(definition.label, definition.about, definition.format);
      this.#tiles.push([definition, tile]);
      tiles.append(tile.node);
    }
    this.none = make("p", { className: "empty", textContent: "Nothing was rejected" });
    this.list = make("div", { className: "reasons" });
    rejected.append(this.none, this.list);
  }

  show(state) {
    for (const [{ of, judge }, tile] of this.#tiles) {
      const value = of(state);
      const [tone, words] = value === null ? plain("") : judge(value, state);
      tile.update(value, tone, words);
    }
    this.none.hidden = Boolean(state.rejected.length);
    const seen = new Set();
    for (const { reason, lastHour, sample } of state.rejected) {
      seen.add(reason);
      let shown = this.#reasons.get(reason);
      if (!shown) {
        shown = new Reason(reason);
        this.#reasons.set(reason, shown);
        this.list.append(shown.node);
      }
      shown.show(lastHour, sample);
    }
    for (const [reason, shown] of this.#reasons) {
      if (!seen.has(reason)) {
        shown.node.remove();
        this.#reasons.delete(reason);
      }
    }
  }
}

/** A rule that refused events, with the newest of them to look at. */
class Reason {
  constructor(reason) {
    this.count = make("span", { className: "reason-count" });
    this.message = make("p");
    this.about = make("p", { className: "note" });
    this.raw = make("pre", { tabIndex: 0, role: "region", "aria-label": `Event: ${reason}` });
    this.node = make(
      "details",
      {},
      make("summary", {}, make("code", { textContent: reason }), " ", this.count),
      this.message,
      this.about,
      this.raw,
    );
  }

  show(lastHour, sample) {
    setText(this.count, text(count, lastHour));
    setText(this.message, sample.message);
    const encoding = sample.rawEncoding ? `, as ${sample.rawEncoding}` : "";
    const field = sample.field ? `, field ${sample.field}` : "";
    setText(this.about, `Newest at ${timeOfDay(sample.receivedAt)}${field}${encoding}`);
    setText(this.raw, sample.raw);
  }
}

/** What is wrong with the pipeline, in sentences that do not change while it stays wrong. */
export function troubles(state, brokerAway) {
  if (state.reporting === 0) {
    return [
      brokerAway
        ? "The broker is away: the API cannot reach it. These figures are the last ones known."
        : "No worker reports. These figures are the last ones known.",
    ];
  }
  const found = [];
  if (state.reporting < state.partitions) {
    found.push("Some partitions have no worker that reports: figures are too low.");
  }
  if (state.ledgerImbalance) found.push("The ledger does not balance: records are not accounted for.");
  if (state.freshnessSeconds >= STALE_SECONDS) {
    found.push("The workers are behind: these figures are old.");
  }
  return found;
}
