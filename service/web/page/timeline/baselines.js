// The baselines of a project, and the dates of a task in one of them.

/** Pairs of number and name, and the number that is shown first: the current one, or that of Microsoft Project's "Baseline". */
export function baselineChoices({ baselines }) {
  const pairs = baselines.map(({ number, name }) => [number, name || (number ? `Baseline ${number}` : "Baseline")]);
  const first = baselines.find(({ current }) => current) ?? baselines.find(({ number }) => number === 0) ?? baselines[0];
  return { pairs, first: first?.number ?? null };
}

/** A function from a task to its record in a baseline. In Primavera, only the codes of activities are the same in both. */
export function baselineDates({ source, baseline_tasks: records }, number) {
  const key = source === "p6" ? ({ kind, code }) => code && `${kind} ${code}` : ({ kind, task_id: id }) => `${kind} ${id}`;
  const found = new Map(records.filter((each) => each.number === number).map((each) => [key(each), each]));
  found.delete(null);
  return (task) => found.get(key(task)) ?? null;
}
