// The table of slices: the worst first, unless a header says otherwise.

import { make, setAttribute, setText } from "./dom.js";
import { ALARMING, FEW_TEXT, FIGURES, MISSED, isFew, verdict } from "./figures.js";
import { text } from "./format.js";
import { Sparkline } from "./sparkline.js";

const COLUMNS = [
  "plays",
  "rebufferRatio",
  "rebufferedViews",
  "meanStall",
  "startupP50",
  "startupP95",
  "completion",
  "exits",
  "startFailures",
  "playbackFailures",
  "activeViewers",
];
/** The trend stands behind the figure that it is the course of. */
const TREND_AFTER = "rebufferRatio";
/** Sizes, not qualities: nothing about them is worse. */
const SIZES = ["plays", "activeViewers"];
const VALUE = "value";
const LEAST_TOP = 0.01;
/** What is said, for those who do not see the colour, of a figure that is over something. */
const OVER = { [MISSED]: " over target", [ALARMING]: " over the limit of an alert" };

export const WORST_BY = COLUMNS.filter(name => !SIZES.includes(name));

export class Breakdown {
  #rows = new Map();
  #headers = new Map();
  #newest = null;
  #sort;
  #reversed = false;
  #onSort;

  /** `onSort(name)` hears which figure it is sorted by. */
  constructor(container, sort, onSort) {
    this.#sort = sort;
    this.#onSort = onSort;
    this.title = make("caption", { className: "sr" });
    this.body = make("tbody");
    this.empty = make("p", { className: "empty", textContent: "Waiting for the first figures" });
    const head = make("tr", {}, this.#header(VALUE, "Value"));
    for (const name of COLUMNS) {
      head.append(this.#header(name, FIGURES[name].label));
      if (name === TREND_AFTER) head.append(trendHeader());
    }
    this.region = make(
      "div",
      { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Breakdown table" },
      make("table", { className: "slices" }, this.title, make("thead", {}, head), this.body),
    );
    container.append(this.region, this.empty);
    this.region.hidden = true;
    this.#markSorted();
  }

  /** Sort by the worst of a figure. */
  sortBy(name) {
    this.#sort = name;
    this.#reversed = false;
    this.#markSorted();
    if (this.#newest) this.show(this.#newest);
  }

  /** While another selection is on its way. */
  setBusy(busy) {
    setAttribute(this.region, "aria-busy", busy ? "true" : null);
  }

  /** Show a message of the stream; the values from the worst to the best. */
  show(breakdown) {
    this.#newest = breakdown;
    this.setBusy(false);
    setText(this.title, `By ${breakdown.dimension}, last ${breakdown.window}`);
    const rows = [...breakdown.rows].sort((one, other) => this.#compare(one.record, other.record));
    const top = rows.reduce(highest, LEAST_TOP);
    const seen = new Set();
    rows.forEach(({ record, trend }, index) => {
      seen.add(record.value);
      let row = this.#rows.get(record.value);
      if (!row) {
        row = new Row(record.value);
        this.#rows.set(record.value, row);
      }
      row.show(record, trend, top);
      if (this.body.children[index] !== row.node) {
        this.body.insertBefore(row.node, this.body.children[index] ?? null);
      }
    });
    for (const [value, row] of this.#rows) {
      if (!seen.has(value)) {
        row.node.remove();
        this.#rows.delete(value);
      }
    }
    this.region.hidden = !rows.length;
    this.empty.hidden = Boolean(rows.length);
    setText(this.empty, `No slice by ${breakdown.dimension} in the last ${breakdown.window}`);
    return rows.map(({ record }) => record.value);
  }

  #header(name, label) {
    const button = make("button", { type: "button", textContent: label });
    button.append(make("span", { className: "arrow", "aria-hidden": "true" }));
    button.addEventListener("click", () => {
      this.#reversed = this.#sort === name && !this.#reversed;
      this.#sort = name;
      this.#markSorted();
      if (this.#newest) this.show(this.#newest);
      this.#onSort(name);
    });
    const header = make("th", { scope: "col", className: name === VALUE ? "value" : "" }, button);
    if (name !== VALUE) header.title = FIGURES[name].about;
    this.#headers.set(name, header);
    return header;
  }

  #ascends() {
    const upwards = this.#sort === VALUE || Boolean(FIGURES[this.#sort].low);
    return upwards !== this.#reversed;
  }

  #markSorted() {
    for (const [name, header] of this.#headers) {
      const order = this.#ascends() ? "ascending" : "descending";
      setAttribute(header, "aria-sort", name === this.#sort ? order : null);
    }
  }

  /** Few plays and no value come last, whichever way it is sorted. */
  #compare(one, other) {
    const direction = this.#ascends() ? 1 : -1;
    if (this.#sort !== VALUE) {
      const { of } = FIGURES[this.#sort];
      if (!SIZES.includes(this.#sort)) {
        const few = Number(isFew(one)) - Number(isFew(other));
        if (few) return few;
      }
      const [a, b] = [of(one), of(other)];
      if ((a === null) !== (b === null)) return a === null ? 1 : -1;
      if (a !== b) return (a - b) * direction;
      return other.plays - one.plays || compareText(one.value, other.value);
    }
    return compareText(one.value, other.value) * direction;
  }
}

class Row {
  #cells = new Map();
  #spark = new Sparkline();

  constructor(value) {
    this.few = make("span", { className: "few", title: FEW_TEXT, textContent: "few plays" });
    this.few.hidden = true;
    const name = make("span", { className: "name", textContent: value, title: value });
    this.node = make(
      "tr",
      {},
      make("th", { scope: "row", className: "value" }, name, " ", this.few),
    );
    for (const column of COLUMNS) {
      const cell = {
        number: make("span"),
        mark: make("span", { className: "mark", "aria-hidden": "true" }),
        words: make("span", { className: "sr" }),
      };
      cell.node = make("td", {}, cell.mark, cell.number, cell.words);
      this.#cells.set(column, cell);
      this.node.append(cell.node);
      if (column === TREND_AFTER) {
        this.node.append(make("td", { className: "trend" }, this.#spark.node));
      }
    }
  }

  show(record, trend, top) {
    this.#spark.draw(trend, top);
    const few = isFew(record);
    if (this.few.hidden === few) this.few.hidden = !few;
    setAttribute(this.node, "data-few", few ? "true" : null);
    for (const [name, { node, number, mark, words }] of this.#cells) {
      const figure = FIGURES[name];
      const value = figure.of(record);
      const over = OVER[verdict(figure, value)] ?? null;
      setText(number, text(figure.format, value));
      setText(mark, over === null ? "" : "▲");
      setText(words, over ?? "");
      setAttribute(node, "data-tone", over === null ? null : "bad");
    }
  }
}

function trendHeader() {
  return make("th", {
    scope: "col",
    className: "trend",
    textContent: "Its last hour",
    title: "Rebuffer ratio over the last hour; all lines have the same scale",
  });
}

const highest = (top, { trend }) =>
  trend.reduce((most, value) => (value !== null && value > most ? value : most), top);

const compareText = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
