// The figures of this moment, as tiles.

import { make, setAttribute, setText } from "./dom.js";
import { ALARMING, FIGURES, MET, verdict } from "./figures.js";
import { NONE, brief, text } from "./format.js";

/** A tile with a label, a value and a line below; `update` shows a value. */
export class Tile {
  constructor(label, about, format) {
    this.format = format;
    this.number = make("span", { className: "number", textContent: NONE });
    this.unit = make("span", { className: "unit" });
    this.mark = make("span", { className: "mark", "aria-hidden": "true" });
    this.words = make("span", {});
    this.node = make(
      "li",
      { className: "tile", title: about },
      make("span", { className: "label", textContent: label }),
      make("span", { className: "value" }, this.number, " ", this.unit),
      make("span", { className: "below" }, this.mark, " ", this.words),
    );
  }

  /** `tone` is "good", "bad" or null; `words` say the same as the tone. */
  update(value, tone, words) {
    const known = value !== null && value !== undefined;
    const [number, unit] = known ? this.format(value) : [NONE, ""];
    setText(this.number, number);
    setText(this.unit, unit);
    setText(this.mark, tone === "good" ? "✓" : tone === "bad" ? "▲" : "");
    setText(this.words, known ? words : "no data");
    setAttribute(this.node, "data-tone", tone);
  }
}

/** All tiles of a window: those with a target, and the further ones. */
export class Tiles {
  #tiles = [];

  constructor(targets, others) {
    for (const figure of Object.values(FIGURES)) {
      const tile = new Tile(figure.label, figure.about, figure.format);
      this.#tiles.push([figure, tile]);
      (figure.limit === undefined ? others : targets).append(tile.node);
    }
  }

  /** Show a record; without one there is no data. */
  show(record) {
    for (const [figure, tile] of this.#tiles) {
      const value = record ? figure.of(record) : null;
      const found = verdict(figure, value);
      if (found === null) {
        tile.update(value, null, record ? counted(figure, record) : "");
      } else if (found === ALARMING) {
        const alarm = `over ${brief(figure.format, figure.alarm)}`;
        tile.update(value, "bad", `${alarm}, ${counted(figure, record)}`);
      } else {
        const target = `target < ${brief(figure.format, figure.limit)}`;
        tile.update(value, found === MET ? "good" : "bad", `${target} ${found}`);
      }
    }
  }
}

/** What a ratio is made of. */
function counted(figure, record) {
  switch (figure) {
    case FIGURES.rebufferRatio:
      return counts(record.rebuffers, "stall");
    case FIGURES.completion:
      return counts(record.completions, "completion");
    case FIGURES.exits:
      return `${number(record.exitsBeforeStart)} of ${counts(record.endedViews, "view")}`;
    case FIGURES.startFailures:
      return counts(record.startFailures, "view");
    case FIGURES.playbackFailures:
      return counts(record.playbackFailures, "view");
    case FIGURES.plays:
      return counts(record.impressions, "impression");
    default:
      return "sessions";
  }
}

const counts = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

const number = value => text(FIGURES.plays.format, value);
