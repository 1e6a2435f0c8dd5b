// Wires the page together: what the stream says goes to the parts that show it.

import { Breakdown, WORST_BY } from "./breakdown.js";
import { Course } from "./chart_data.js";
import { Charts } from "./charts.js";
import { byId, fillRadios, make, setText } from "./dom.js";
import { FEW_TEXT, FIGURES } from "./figures.js";
import { timeOfDay } from "./format.js";
import { Header, announce } from "./header.js";
import { KeyForm } from "./key_form.js";
import { Pipeline, troubles } from "./pipeline.js";
import { LiveStream } from "./stream.js";
import { startThemeSwitch } from "./theme_switch.js";
import { Tiles } from "./tiles.js";

const CHOICE_MS = 150;
const READY_EVERY_MS = 5_000;

const query = new URLSearchParams(location.search);
const asked = query.get("worst");
const shown = {
  selection: Object.fromEntries(
    ["window", "dimension"].filter(name => query.has(name)).map(name => [name, query.get(name)]),
  ),
  worst: WORST_BY.includes(asked) ? asked : "rebufferRatio",
  now: null,
  about: null,
};

const course = new Course();
const tiles = new Tiles(byId("targets"), byId("others"));
const charts = new Charts(byId("charts"), course);
const breakdown = new Breakdown(byId("breakdown-table"), shown.worst, onSorted);
const pipeline = new Pipeline(byId("pipeline"), byId("rejected"));
const header = new Header(() => stream.reconnect());
const keyForm = new KeyForm(() => stream.reconnect());
const stream = new LiveStream({ key: () => keyForm.key, onEvent, onState });

let announceSelection = false;
let choosing = 0;
let brokerAway = false;
let askedReadyAt = -READY_EVERY_MS;
let refusedSelection = false;

function onEvent(event, data) {
  HANDLERS[event]?.(data);
}

const HANDLERS = {
  settings(about) {
    shown.about = about;
    const { window, dimension } = about;
    shown.selection = { window, dimension };
    fillRadios(byId("windows"), "window", about.windows, window, chooser("window"));
    fillRadios(byId("dimensions"), "dimension", about.dimensions, dimension, chooser("dimension"));
    setText(byId("environment"), about.environment);
    byId("environment").hidden = false;
    setText(byId("version"), `playvitals ${about.version}`);
    document.title = `playvitals · ${about.environment}`;
    breakdown.setBusy(true);
  },
  history({ window, stepSeconds, points }) {
    course.reset(points, stepSeconds);
    setText(byId("hour-note"), `Each point is of the last ${window}`);
    charts.draw();
  },
  point(point) {
    course.add(point);
    charts.draw();
  },
  now(now) {
    shown.now = now;
    showNow();
  },
  breakdown(found) {
    const values = breakdown.show(found);
    setText(byId("breakdown-note"), `Few plays: ${FEW_TEXT}. Such slices come last.`);
    if (announceSelection) {
      announceSelection = false;
      const first = values.length ? `, first is ${values[0]}` : "";
      announce(`${values.length} ${values.length === 1 ? "slice" : "slices"} by ${found.dimension} in ${found.window}${first}`);
    }
  },
  pipeline(state) {
    pipeline.show(state);
    if (state.reporting > 0) brokerAway = false;
    else void askWhetherReady();
    showNotices(troubles(state, brokerAway));
  },
};

function showNow() {
  if (!shown.now) return;
  const { clock, windows } = shown.now;
  const clockNode = byId("clock");
  setText(clockNode, clock ? `${timeOfDay(clock)} UTC` : "–");
  if (clock) clockNode.dateTime = clock;
  tiles.show(windows.find(record => record.window === shown.selection.window));
}

function onState(state) {
  header.show(state);
  const locked = state.kind === "refused" && state.status !== 400;
  if (locked) keyForm.ask(state);
  else if (state.kind === "live") keyForm.close();
  if (locked || state.kind === "live") byId("figures").hidden = locked;
  if (state.kind === "live") refusedSelection = false;
  document.body.classList.toggle("old", state.kind === "waiting");
  if (state.kind === "waiting") {
    showNotices([`Not live: ${state.reason}. These figures are the last ones known.`]);
  } else if (state.kind === "refused" && state.status === 400 && !refusedSelection) {
    // An address with a window or a dimension that this deployment does not have.
    refusedSelection = true;
    shown.selection = {};
    stream.open(shown.selection);
  } else if (state.kind !== "connecting") {
    showNotices([]);
  }
}

function showNotices(sentences) {
  const node = byId("notices");
  if (node.textContent === sentences.join("")) return;
  node.replaceChildren(
    ...sentences.map(words => make("p", { className: "notice", textContent: words })),
  );
}

/** With no worker heard of, the API knows whether it is the broker. */
async function askWhetherReady() {
  if (performance.now() - askedReadyAt < READY_EVERY_MS) return;
  askedReadyAt = performance.now();
  try {
    brokerAway = (await fetch("/readyz", { cache: "no-store" })).status === 503;
  } catch {
    // The API is away as well: the stream will say so.
  }
}

/** What happens when another window or dimension is chosen; arrow keys may pass over some. */
function chooser(name) {
  return value => {
    shown.selection = { ...shown.selection, [name]: value };
    showNow();
    breakdown.setBusy(true);
    remember();
    clearTimeout(choosing);
    choosing = setTimeout(() => {
      announceSelection = true;
      stream.open(shown.selection);
    }, CHOICE_MS);
  };
}

function onSorted(name) {
  if (!WORST_BY.includes(name)) return;
  shown.worst = byId("worst").value = name;
  remember();
}

/** The address leads back to what is shown: a link to send around. */
function remember() {
  const address = new URLSearchParams({ ...shown.selection, worst: shown.worst });
  history.replaceState(null, "", `?${address}`);
}

function startWorst() {
  const select = byId("worst");
  for (const name of WORST_BY) {
    select.append(make("option", { value: name, textContent: FIGURES[name].label }));
  }
  select.value = shown.worst;
  select.addEventListener("change", () => {
    shown.worst = select.value;
    breakdown.sortBy(select.value);
    remember();
  });
}

// Nobody looks: nothing is drawn, and the API has one stream less to serve.
document.addEventListener("visibilitychange", () => {
  // Somebody is looking for a key, perhaps in another tab: nothing goes on until it is entered.
  if (!byId("key").hidden) return;
  if (document.hidden) stream.pause();
  else stream.reconnect();
});

startThemeSwitch();
startWorst();
stream.open(shown.selection);
