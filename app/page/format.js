// Numbers as text. A format gives [number, unit], so that the unit can be set smaller.

export const NONE = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const decimals = [0, 1, 2].map(
  digits =>
    new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

export const count = value => [whole.format(value), ""];

/** Milliseconds: 355 ms, 1.71 s, 12.4 s. */
export function duration(ms) {
  if (ms < 999.5) return [whole.format(ms), "ms"];
  return [decimals[ms < 9995 ? 2 : 1].format(ms / 1000), "s"];
}

/** A ratio: 0.76 %, 12.3 %. */
export function percent(ratio) {
  const value = ratio * 100;
  if (value === 0 || value === 100) return [whole.format(value), "%"];
  return [decimals[value < 9.995 ? 2 : 1].format(value), "%"];
}

/** Seconds that passed: 0 s, 0.8 s, 42 s, 3 min 5 s, 2 h 10 min. */
export function age(seconds) {
  if (seconds === 0) return ["0", "s"];
  if (seconds < 9.95) return [decimals[1].format(seconds), "s"];
  if (seconds < 59.5) return [whole.format(seconds), "s"];
  const all = Math.round(seconds);
  if (all < 3600) return [`${Math.floor(all / 60)} min ${all % 60}`, "s"];
  return [`${whole.format(Math.floor(all / 3600))} h ${Math.floor((all % 3600) / 60)}`, "min"];
}

export function rate(perSecond) {
  return [perSecond < 99.95 ? decimals[1].format(perSecond) : whole.format(perSecond), "/s"];
}

/** A value in one piece; a dash where there is none. */
export function text(format, value) {
  if (value === null || value === undefined) return NONE;
  const [number, unit] = format(value);
  return unit ? `${number}\u00a0${unit}` : number;
}

/** The same without the zeros that say nothing: for targets and axes. */
export function brief(format, value) {
  const [number, unit] = format(value);
  const short = number.includes(".") ? number.replace(/\.?0+$/, "") : number;
  return unit ? `${short}\u00a0${unit}` : short;
}

/** The time of day, in UTC. */
export const timeOfDay = iso => iso.slice(11, 19);
export const minuteOfDay = iso => iso.slice(11, 16);
