// The points of the last hour as columns, and what they say in words.

import { NONE, minuteOfDay, text } from "./format.js";

const HOUR_SECONDS = 3600;
const LEAST_SECONDS = 180;

/** The points by time. What is missing for longer than two steps is a gap. */
export class Course {
  points = [];
  stepSeconds = 5;

  reset(points, stepSeconds) {
    this.points = points;
    this.stepSeconds = stepSeconds;
  }

  add(point) {
    const last = this.points.at(-1);
    if (last && point.at <= last.at) return;
    this.points.push(point);
    const oldest = secondsOf(point) - HOUR_SECONDS;
    let gone = 0;
    while (secondsOf(this.points[gone]) < oldest) gone += 1;
    if (gone) this.points.splice(0, gone);
  }

  /** [times in seconds, values of the first name, …], with a null in every gap. */
  columns(names) {
    const times = [];
    const values = names.map(() => []);
    let before = null;
    for (const point of this.points) {
      const at = secondsOf(point);
      if (before !== null && at - before > 2.5 * this.stepSeconds) {
        times.push(before + this.stepSeconds);
        for (const column of values) column.push(null);
      }
      times.push(at);
      names.forEach((name, index) => values[index].push(point[name]));
      before = at;
    }
    return [times, ...values];
  }

  /** The first and the last second to show: at least three minutes, at most an hour. */
  range() {
    const last = this.points.length ? secondsOf(this.points.at(-1)) : Date.now() / 1000;
    const first = this.points.length ? secondsOf(this.points[0]) : last;
    return [Math.max(Math.min(first, last - LEAST_SECONDS), last - HOUR_SECONDS), last];
  }

  /** The last point of each minute, newest first. */
  minutes() {
    const found = new Map();
    for (const point of this.points) found.set(minuteOfDay(point.at), point);
    return [...found.values()].reverse();
  }
}

/** Now, lowest and highest of one column. */
export function summary(label, format, values) {
  const known = values.filter(value => value !== null);
  if (!known.length) return `${label}: no data yet`;
  // Not Math.min(...known): that many arguments are not promised to work everywhere.
  const low = known.reduce((least, value) => (value < least ? value : least));
  const high = known.reduce((most, value) => (value > most ? value : most));
  const last = values.at(-1);
  const now = last === null ? NONE : text(format, last);
  return `${label}: now ${now}, ${text(format, low)} to ${text(format, high)}`;
}

function secondsOf(point) {
  point.seconds ??= Date.parse(point.at) / 1000;
  return point.seconds;
}
