// The keys of a timeline, as in a tree grid.

const PAGE = 10;
const ZOOM = 1.5;
const STEP = 120; // pixels that the time moves

/** Act on a key. */
export function keyed(chart, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = event.shiftKey ? SHIFTED[event.key] : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act(chart);
}

const SHIFTED = {
  ArrowLeft: ({ element }) => { element.scrollLeft -= STEP; },
  ArrowRight: ({ element }) => { element.scrollLeft += STEP; },
  "+": (chart) => chart.zoomTo(chart.scale?.perDay * ZOOM),
  "*": (chart) => chart.openTo(Infinity),
};

const KEYS = {
  ArrowDown: (chart) => step(chart, 1),
  ArrowUp: (chart) => step(chart, -1),
  PageDown: (chart) => step(chart, PAGE),
  PageUp: (chart) => step(chart, -PAGE),
  Home: (chart) => step(chart, -Infinity),
  End: (chart) => step(chart, Infinity),
  ArrowRight: open,
  ArrowLeft: close,
  Enter: ({ rows, choice }) => { if (rows[choice]?.href) location.hash = rows[choice].href; },
  "+": SHIFTED["+"],
  "*": SHIFTED["*"],
  "-": (chart) => chart.zoomTo(chart.scale?.perDay / ZOOM),
};

function step(chart, by) {
  const { shown } = chart.tree;
  const place = chart.choice < 0 ? -1 : chart.tree.placeOf(chart.choice);
  chart.choose(shown[Math.min(shown.length - 1, Math.max(0, place + by))]);
}

/** Open a closed row, or go to the first row below an open one. */
function open(chart) {
  const { choice, tree } = chart;
  if (choice < 0 || !tree.holds(choice)) return;
  if (tree.isOpen(choice)) chart.choose(choice + 1);
  else chart.toggle(choice);
}

/** Close an open row, or go to the row above. */
function close(chart) {
  const { choice, tree } = chart;
  if (choice < 0) return;
  if (tree.holds(choice) && tree.isOpen(choice)) chart.toggle(choice);
  else if (tree.parents[choice] >= 0) chart.choose(tree.parents[choice]);
}
