// The charts of the last hour, each with a summary in words and a table on demand.

import { summary } from "./chart_data.js";
import { CHARTS } from "./chart_definitions.js";
import { make, setText } from "./dom.js";
import { brief, text, timeOfDay } from "./format.js";
import uPlot from "./vendor/uPlot.esm.js";

const FONT = "11px system-ui, sans-serif";
/** Whole minutes: the labels have no seconds. */
const TIME_STEPS_SECONDS = [60, 120, 300, 600, 900, 1800];
const DASHES = [[], [7, 4], [2, 3]];

/** All charts. Their cursors move together. */
export class Charts {
  #charts;
  #course;

  constructor(container, course) {
    this.#course = course;
    const palette = new Palette();
    this.#charts = CHARTS.map(chart => new Chart(chart, palette, course));
    container.append(...this.#charts.map(chart => chart.node));
    // Not before they are in the page: only there they have a width.
    for (const chart of this.#charts) chart.start();
    this.#onThemeChange(palette);
  }

  /** Draw what the course holds now. */
  draw() {
    const range = this.#course.range();
    for (const chart of this.#charts) chart.draw(range);
  }

  #onThemeChange(palette) {
    const repaint = () => {
      palette.read();
      for (const chart of this.#charts) chart.repaint();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    new MutationObserver(repaint).observe(document.documentElement, {
      attributeFilter: ["data-theme"],
    });
  }
}

/** The colours of the theme: a canvas knows no variables. */
class Palette {
  #probe = make("span", { hidden: true });

  constructor() {
    document.body.append(this.#probe);
    this.read();
  }

  read() {
    const of = name => {
      this.#probe.style.color = `var(${name})`;
      return getComputedStyle(this.#probe).color;
    };
    this.series = [of("--series-1"), of("--series-2"), of("--series-3")];
    this.text = of("--muted");
    this.grid = of("--line");
    this.target = of("--target");
  }
}

class Chart {
  #chart;
  #palette;
  #course;
  #plot = null;
  #columns = [[]];
  #values = [];
  #drawn = null;

  constructor(chart, palette, course) {
    this.#chart = chart;
    this.#palette = palette;
    this.#course = course;
    const id = chart.title.toLowerCase().replaceAll(" ", "-");
    const legend = make("ul", { className: "legend", "aria-hidden": "true" });
    chart.series.forEach(([, label], index) => {
      const value = make("span", { className: "legend-value" });
      this.#values.push(value);
      const swatch = make("span", { className: `swatch s${index + 1}` });
      legend.append(make("li", {}, swatch, label, " ", value));
    });
    this.canvas = make("div", { className: "plot", "aria-hidden": "true" });
    this.summary = make("p", { className: "note", id: `${id}-summary` });
    this.table = make("div", {
      className: "scroll",
      tabIndex: 0,
      role: "region",
      "aria-label": `${chart.title}, minute by minute`,
    });
    this.details = make(
      "details",
      {},
      make("summary", { textContent: "Table", "aria-label": `Table of ${chart.title}` }),
      this.table,
    );
    this.details.addEventListener("toggle", () => this.#drawTable());
    this.node = make(
      "figure",
      { className: chart.wide ? "card chart wide" : "card chart", "aria-labelledby": id },
      make("figcaption", {}, make("h3", { id, textContent: chart.title }), legend),
      this.canvas,
      make("div", { className: "alternative" }, this.summary, this.details),
    );
  }

  start() {
    this.#plot = new uPlot(this.#options(), [[]], this.canvas);
    new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = this.canvas;
      const isNew = width !== this.#plot.width || height !== this.#plot.height;
      if (width && height && isNew) this.#plot.setSize({ width, height });
    }).observe(this.canvas);
  }

  draw([from, to]) {
    this.#columns = this.#course.columns(this.#chart.series.map(([name]) => name));
    this.#plot.batch(() => {
      this.#plot.setData(this.#columns, false);
      this.#plot.setScale("x", { min: from, max: to });
    });
    this.#showValues(this.#plot.cursor.idx ?? null);
    const { format, series } = this.#chart;
    const words = series.map(([, label], n) => summary(label, format, this.#columns[n + 1]));
    setText(this.summary, words.join("; "));
    this.#drawTable();
  }

  repaint() {
    this.#plot.redraw(false, true);
  }

  /** The legend: the values under the cursor, or the newest ones. */
  #showValues(index) {
    this.#values.forEach((node, n) => {
      const column = this.#columns[n + 1] ?? [];
      setText(node, text(this.#chart.format, index === null ? column.at(-1) : column[index]));
    });
  }

  #drawTable() {
    const minutes = this.#course.minutes();
    const newest = minutes[0]?.at ?? "";
    if (!this.details.open || this.#drawn === newest) return;
    this.#drawn = newest;
    const { format, series, title } = this.#chart;
    const head = ["Time", ...series.map(([, label]) => label)];
    const row = (tag, cells) => make("tr", {}, ...cells.map(cell => make(tag, cell)));
    this.table.replaceChildren(
      make(
        "table",
        {},
        make("caption", { className: "sr", textContent: `${title}, minute by minute` }),
        make("thead", {}, row("th", head.map(name => ({ textContent: name, scope: "col" })))),
        make(
          "tbody",
          {},
          ...minutes.map(point =>
            row(
              "td",
              [timeOfDay(point.at), ...series.map(([name]) => text(format, point[name]))].map(
                cell => ({ textContent: cell }),
              ),
            ),
          ),
        ),
      ),
    );
  }

  #options() {
    const { series, format, floor } = this.#chart;
    const palette = this.#palette;
    const axis = {
      font: FONT,
      stroke: () => palette.text,
      grid: { stroke: () => palette.grid, width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.canvas.clientWidth || 300,
      height: this.canvas.clientHeight || 190,
      legend: { show: false },
      padding: [8, 12, 0, 0],
      cursor: { sync: { key: "hour" }, drag: { x: false, y: false }, y: false },
      tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: {
        x: { auto: false },
        y: { range: (_, __, max) => [0, Math.max(floor, (max ?? 0) * 1.08)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 64,
          incrs: TIME_STEPS_SECONDS,
          values: "{HH}:{mm}",
          size: 28,
        },
        {
          ...axis,
          size: 56,
          space: 36,
          values: (_, splits) => splits.map(value => (value ? brief(format, value) : "0")),
        },
      ],
      series: [
        {},
        ...series.map(([, label], index) => ({
          label,
          stroke: () => palette.series[index],
          width: 1.75,
          dash: DASHES[index],
          spanGaps: false,
          points: { show: false },
        })),
      ],
      hooks: {
        setCursor: [plot => this.#showValues(plot.cursor.idx ?? null)],
        drawAxes: [plot => this.#drawLines(plot)],
      },
    };
  }

  /** Targets and the limits of alerts, as thin lines across the chart. */
  #drawLines(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = this.#palette.target;
    ctx.fillStyle = this.#palette.target;
    ctx.lineWidth = devicePixelRatio;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const [value, words] of this.#chart.lines ?? []) {
      if (value > plot.scales.y.max) continue;
      const y = plot.valToPos(value, "y", true);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(words, bbox.left + 4 * devicePixelRatio, y - 2 * devicePixelRatio);
    }
    ctx.restore();
  }
}
