// A line of the last hour, so small that it fits into a cell.

import { makeSvg, setAttribute } from "./dom.js";
import { percent, text } from "./format.js";

const WIDTH = 96;
const HEIGHT = 24;
const PAD = 2;

export class Sparkline {
  constructor() {
    this.path = makeSvg("path", { class: "spark-line" });
    this.dot = makeSvg("circle", { class: "spark-dot", r: "2" });
    this.node = makeSvg("svg", {
      class: "spark",
      role: "img",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: String(WIDTH),
      height: String(HEIGHT),
    });
    this.node.append(this.path, this.dot);
  }

  /** Draw a trend, from 0 at the bottom to `top`. A null is a gap. */
  draw(trend, top) {
    const step = trend.length > 1 ? (WIDTH - 2 * PAD) / (trend.length - 1) : 0;
    const x = index => PAD + (trend.length > 1 ? index * step : WIDTH - 2 * PAD);
    const y = value => HEIGHT - PAD - (value / top) * (HEIGHT - 2 * PAD);
    let path = "";
    let pen = "M";
    trend.forEach((value, index) => {
      if (value === null) {
        pen = "M";
        return;
      }
      // A point between two gaps would be invisible without a length of its own.
      const alone = pen === "M" && (trend[index + 1] ?? null) === null ? "h0.01" : "";
      path += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}${alone}`;
      pen = "L";
    });
    setAttribute(this.path, "d", path);
    const last = trend.at(-1) ?? null;
    setAttribute(this.dot, "visibility", last === null ? "hidden" : "visible");
    if (last !== null) {
      setAttribute(this.dot, "cx", x(trend.length - 1).toFixed(1));
      setAttribute(this.dot, "cy", y(last).toFixed(1));
    }
    setAttribute(this.node, "aria-label", words(trend, last));
  }
}

function words(trend, last) {
  const known = trend.filter(value => value !== null);
  if (!known.length) return "Rebuffer ratio over the last hour: no data";
  const high = known.reduce((most, value) => (value > most ? value : most));
  return `Rebuffer ratio over the last hour: now ${text(percent, last)}, highest ${text(percent, high)}`;
}
