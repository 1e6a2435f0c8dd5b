// What each figure of a record is called, how it is read, and which target it has.

import { count, duration, percent } from "./format.js";

/**
 * Figures by their name. `limit`: the target is to stay below it. `alarm`: without a target, what
 * the shipped alerts call somebody for. `low`: low is bad.
 */
export const FIGURES = {
  startupP50: {
    label: "Startup p50",
    of: record => record.startup.p50Ms,
    format: duration,
    limit: 500,
    about: "Half of the views start faster",
  },
  startupP95: {
    label: "Startup p95",
    of: record => record.startup.p95Ms,
    format: duration,
    limit: 2000,
    about: "19 of 20 views start faster",
  },
  rebufferedViews: {
    label: "Rebuffered views",
    of: record => record.rebufferedViewsRatio,
    format: percent,
    limit: 0.02,
    about: "Ended views with a stall, of those that started",
  },
  meanStall: {
    label: "Mean stall",
    of: record => record.meanStallMs,
    format: duration,
    limit: 1000,
    about: "Stalled time per stall",
  },
  rebufferRatio: {
    label: "Rebuffer ratio",
    of: record => record.rebufferRatio,
    format: percent,
    alarm: 0.03,
    about: "Stalled share of the time that viewers spent in playback",
  },
  completion: {
    label: "Completion rate",
    of: record => record.completionRatio,
    format: percent,
    low: true,
    about: "Completions, of plays",
  },
  exits: {
    label: "Exits before start",
    of: record => record.exitsBeforeStartRatio,
    format: percent,
    about: "Views left before the first frame without an error, of ended views",
  },
  startFailures: {
    label: "Start failures",
    of: record => record.startFailureRatio,
    format: percent,
    alarm: 0.03,
    about: "Views with an error and without a first frame, of ended views",
  },
  playbackFailures: {
    label: "Playback failures",
    of: record => record.playbackFailureRatio,
    format: percent,
    alarm: 0.03,
    about: "Started views with a fatal error, of ended views",
  },
  activeViewers: {
    label: "Active viewers",
    of: record => record.activeViewers,
    format: count,
    about: "Sessions with an event in the window",
  },
  plays: {
    label: "Plays",
    of: record => record.plays,
    format: count,
    about: "Views with a first frame",
  },
};

export const MET = "met";
export const MISSED = "missed";
export const ALARMING = "alarming";

/** Whether a figure's target is met; null where nothing is to be said, or there is no value. */
export function verdict(figure, value) {
  if (value === null || value === undefined) return null;
  if (figure.limit !== undefined) return value < figure.limit ? MET : MISSED;
  return figure.alarm !== undefined && value > figure.alarm ? ALARMING : null;
}

const FEW_ATTEMPTS = 20;

/** Whether so few people tried that a ratio says little. */
export function isFew(record) {
  return record.plays + record.startFailures + record.exitsBeforeStart < FEW_ATTEMPTS;
}

export const FEW_TEXT = `fewer than ${FEW_ATTEMPTS} plays, start failures and exits before start`;
