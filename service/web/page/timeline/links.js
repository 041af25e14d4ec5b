// The links between bars, as a few paths. Where there are many, they are thin, or only those of the chosen task.

import { draw } from "../shared/dom.js";

const THIN = 60; // links in sight from which they are drawn thin, and those that only pass are omitted
const MOST = 250; // links in sight from which only those of the chosen task are drawn
const LEAST = 1.5; // pixels of a day below which a link is thin

/**
 * Elements for the links between rows. `at` returns the bar of a row, `{ x1, x2, y }`, or null if it is not shown.
 * `sight` is the range of y that is visible.
 */
export function linkPaths(links, at, chosen, { sight, half, perDay }) {
  const near = [];
  const own = [];
  const passing = [];
  for (const link of links) {
    const [before, after] = [at(link.before), at(link.after)];
    if (!before || !after) continue;
    const [top, bottom] = before.y < after.y ? [before.y, after.y] : [after.y, before.y];
    if (bottom < sight.top || top > sight.bottom) continue;
    if (link.before === chosen || link.after === chosen) own.push([link, before, after]);
    else if (top < sight.top && bottom > sight.bottom) passing.push([link, before, after]);
    else near.push([link, before, after]);
  }
  const many = near.length > THIN || passing.length > THIN;
  const others = near.length > MOST ? [] : many ? near : [...near, ...passing];
  return [...paths(others, half, many || perDay < LEAST ? " thin" : ""), ...paths(own, half, " chosen")];
}

function paths(links, half, sort) {
  if (!links.length) return [];
  const shapes = links.map((each) => shape(...each, half));
  return [
    draw("path", { class: `link${sort}`, d: shapes.map(({ way }) => way).join("") }),
    draw("path", { class: `point${sort}`, d: shapes.map(({ point }) => point).join("") }),
  ];
}

function shape({ type }, before, after, half) {
  const x1 = type[0] === "F" ? before.x2 : before.x1;
  const x2 = type[1] === "F" ? after.x2 : after.x1;
  const [y1, y2] = [before.y, after.y];
  const out = type[0] === "F" ? 6 : -6;
  const into = type[1] === "F" ? 6 : -6;
  const straight = type === "FS" && x2 - x1 > 12;
  const between = y2 > y1 ? y2 - half : y2 + half;
  return {
    way: straight ? `M${x1} ${y1}h${out}V${y2}H${x2}` : `M${x1} ${y1}h${out}V${between}H${x2 + into}V${y2}H${x2}`,
    point: into < 0 ? `M${x2} ${y2}l-5 -3v6z` : `M${x2} ${y2}l5 -3v6z`,
  };
}
