export type Point = { at: string; value: number; low?: number; high?: number; unit?: string };

const WIDTH = 720;
const HEIGHT = 180;
const LEFT = 48;
const EDGE = 16;

/** Values over time, with the range in which they are normal. */
export function Trend({ points }: { points: Point[] }) {
  const times = points.map((point) => new Date(point.at).getTime());
  const known = points.flatMap((point) => [point.value, point.low, point.high].filter((n): n is number => n !== undefined));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1;
  const x = (at: number) => (to === from ? WIDTH / 2 : LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - EDGE));
  const y = (value: number) => HEIGHT - EDGE - ((value - low + room) / (high - low + 2 * room)) * (HEIGHT - 2 * EDGE);
  const last = points[points.length - 1];
  const isOut = (point: Point) => (point.high !== undefined && point.value > point.high) || (point.low !== undefined && point.value < point.low);
  const band = last?.low !== undefined && last.high !== undefined ? { top: y(last.high), height: y(last.low) - y(last.high) } : undefined;
  const unit = last?.unit ?? "";
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${points.length}: ${points.map((point) => `${point.value} ${unit}`).join(", ")}`} style={{ width: "100%", maxWidth: 900 }}>
      {band && <rect x={LEFT} y={band.top} width={WIDTH - LEFT - EDGE} height={band.height} fill="currentColor" opacity={0.08} />}
      {[low, high].map((value) => <text key={value} x={4} y={y(value) + 4} fontSize={12} fill="currentColor">{Number(value.toPrecision(4))}</text>)}
      <polyline points={points.map((point, n) => `${x(times[n] ?? 0)},${y(point.value)}`).join(" ")} fill="none" stroke="currentColor" strokeWidth={1.5} />
      {points.map((point, n) => {
        const [cx, cy] = [x(times[n] ?? 0), y(point.value)];
        const title = <title>{`${point.value} ${unit} · ${point.at}`}</title>;
        return isOut(point)
          ? <path key={n} d={`M${cx} ${cy - 6} L${cx + 6} ${cy + 5} L${cx - 6} ${cy + 5} Z`} fill="#e8590c">{title}</path>
          : <circle key={n} cx={cx} cy={cy} r={4} fill="currentColor">{title}</circle>;
      })}
    </svg>
  );
}
