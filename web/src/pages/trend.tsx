import { useWords } from "../words";

export type Point = { at: string; value: number; low?: number; high?: number; unit?: string };

const WIDTH = 960;
const HEIGHT = 220;
const LEFT = 56;
const RIGHT = 64;
const TOP = 18;
const BOTTOM = 34;

const short = (value: number) => String(Number(value.toPrecision(4)));

/** Values over time, with the range in which they are normal. */
export function Trend({ points }: { points: Point[] }) {
  const { time } = useWords();
  const times = points.map((point) => new Date(point.at).getTime());
  const known = points.flatMap((point) => [point.value, point.low, point.high].filter((n): n is number => n !== undefined));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1;
  const x = (at: number) => (to === from ? (LEFT + WIDTH - RIGHT) / 2 : LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - RIGHT));
  const y = (value: number) => HEIGHT - BOTTOM - ((value - low + room) / (high - low + 2 * room)) * (HEIGHT - TOP - BOTTOM);
  const last = points[points.length - 1];
  const isOut = (point: Point) => (point.high !== undefined && point.value > point.high) || (point.low !== undefined && point.value < point.low);
  const band = last?.low !== undefined && last.high !== undefined ? { top: y(last.high), height: y(last.low) - y(last.high) } : undefined;
  const unit = last?.unit ?? "";
  // Both ends of the range and of the values, unless two of them would be written over each other.
  const marks = [last?.low, last?.high, low, high].filter((n): n is number => n !== undefined)
    .reduce<number[]>((kept, value) => (kept.some((it) => Math.abs(y(it) - y(value)) < 14) ? kept : [...kept, value]), []);
  const ends = to === from ? points.slice(-1) : [points[0], last].filter((it): it is Point => it !== undefined);
  return (
    <div className="trend" tabIndex={0} role="group" aria-label={unit || "—"}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${points.length}: ${points.map((point) => `${point.value} ${unit} (${time(point.at)})`).join(", ")}`}>
        {band && <rect x={LEFT} y={band.top} width={WIDTH - LEFT - RIGHT} height={band.height} className="normal" />}
        <line x1={LEFT} x2={WIDTH - RIGHT} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} className="axis" />
        {marks.map((value) => <text key={value} x={LEFT - 8} y={y(value) + 4} textAnchor="end">{short(value)}</text>)}
        {ends.map((point, n) => (
          <text key={point.at} x={x(new Date(point.at).getTime())} y={HEIGHT - 12} textAnchor={ends.length === 1 ? "middle" : n === 0 ? "start" : "end"}>{time(point.at)}</text>
        ))}
        <polyline points={points.map((point, n) => `${x(times[n] ?? 0)},${y(point.value)}`).join(" ")} className="curve" />
        {points.map((point, n) => {
          const [cx, cy] = [x(times[n] ?? 0), y(point.value)];
          const title = <title>{`${point.value} ${unit} · ${time(point.at)}`}</title>;
          return isOut(point)
            ? <path key={n} d={`M${cx} ${cy - 6} L${cx + 6} ${cy + 5} L${cx - 6} ${cy + 5} Z`} className="out">{title}</path>
            : <circle key={n} cx={cx} cy={cy} r={4} className="in">{title}</circle>;
        })}
        {last && <text x={x(times[times.length - 1] ?? 0) + 10} y={y(last.value) + 4} className="last">{short(last.value)}</text>}
      </svg>
    </div>
  );
}
