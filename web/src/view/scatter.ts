/** Axes with round ticks. */
export type Scale = { low: number; high: number; ticks: number[] };

/** A round step that gives about five ticks. */
function stepOf(width: number): number {
  const rough = width / 5;
  const ten = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((m) => m * ten >= rough) ?? 10) * ten;
}

/** Around the values; `floor` and `ceiling` fix an end or cap it. */
export function scale(values: number[], floor: number | null = null, ceiling: number | null = null): Scale {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const step = stepOf(Math.max(most - (floor ?? least), Math.abs(most) * 0.05, 1e-6));
  const under = Math.floor(least / step - 0.25) * step;
  // What is never below zero has no axis below it.
  const low = floor ?? (least >= 0 ? Math.max(0, under) : under);
  const over = Math.ceil(most / step + 0.1) * step;
  const high = ceiling === null ? over : Math.min(over, ceiling);
  const ticks: number[] = [];
  for (let i = 0; i <= Math.round((high - low) / step); i += 1) ticks.push(Number((low + i * step).toPrecision(10)));
  return { low, high, ticks };
}

export const place = (s: Scale, value: number, from: number, to: number) => from + ((value - s.low) / (s.high - s.low || 1)) * (to - from);

/** Where names go so that none lies on another: in their order, each at least `height` below the one before, if they share their place across. */
export function apart(wanted: { x: number; y: number; width: number }[], height: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a]?.y ?? 0) - (wanted[b]?.y ?? 0));
  const placed: { x: number; y: number; width: number }[] = [];
  const result = wanted.map((one) => one.y);
  for (const i of order) {
    const one = wanted[i];
    if (one === undefined) continue;
    let { y } = one;
    for (const other of placed) {
      const shares = one.x < other.x + other.width && other.x < one.x + one.width;
      if (shares && y < other.y + height && y > other.y - height) y = other.y + height;
    }
    placed.push({ ...one, y });
    placed.sort((a, b) => a.y - b.y);
    result[i] = y;
  }
  return result;
}
