// Which charts there are: their series as [field of a point, label], their format, the lines across them.
// The axis of values reaches `floor` at least, so that noise does not look like an incident.

import { FIGURES } from "./figures.js";
import { count, duration, percent } from "./format.js";

export const CHARTS = [
  {
    title: "Startup time",
    format: duration,
    floor: 2200,
    wide: true,
    series: [
      ["startupP50Ms", "p50"],
      ["startupP95Ms", "p95"],
      ["startupP99Ms", "p99"],
    ],
    lines: [
      [FIGURES.startupP50.limit, "target p50"],
      [FIGURES.startupP95.limit, "target p95"],
    ],
  },
  {
    title: "Rebuffer ratio",
    format: percent,
    floor: 0.01,
    wide: true,
    series: [["rebufferRatio", "ratio"]],
    // In view only where it is near: most of the time the ratio is far below.
    lines: [[FIGURES.rebufferRatio.alarm, "alert"]],
  },
  {
    title: "Completion rate",
    format: percent,
    floor: 0.1,
    series: [["completionRatio", "rate"]],
  },
  {
    title: "Active viewers",
    format: count,
    floor: 10,
    series: [["activeViewers", "viewers"]],
  },
  {
    title: "Failed views",
    format: count,
    floor: 5,
    series: [
      ["startFailures", "before start"],
      ["playbackFailures", "in playback"],
    ],
  },
];
